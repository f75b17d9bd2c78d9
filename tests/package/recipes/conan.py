"""Loads the Conan recipe without Conan, whose modules stand here empty, and holds what it says against the tree.

    conan.py RECIPE CMAKELISTS CLIENT_H
"""

import importlib.util
import re
import sys
from unittest import mock

recipe, cmakelists, client_h = sys.argv[1:]


class ConanFile:
    recipe_folder = recipe.rpartition("/")[0]


class Modules(mock.MagicMock):
    """Whatever is imported from it."""
    __path__ = []
    ConanFile = ConanFile

    @staticmethod
    def load(_, path):
        with open(path, encoding="utf-8") as file:
            return file.read()


for name in ("conan", "conan.errors", "conan.tools.cmake", "conan.tools.files", "conan.tools.gnu", "conan.tools"):
    sys.modules[name] = Modules()
spec = importlib.util.spec_from_file_location("conanfile", recipe)
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)

tacit = module.TacitConan()
tacit.set_version()
with open(client_h, encoding="utf-8") as file:
    stated = ".".join(re.findall(r"_(?:MAJOR|MINOR|PATCH) (\d+)", file.read()))
assert tacit.version == stated, f"the recipe's version is {tacit.version}, not {stated}"
assert set(tacit.default_options) == set(tacit.options), "options without a default"
with open(cmakelists, encoding="utf-8") as file:
    known = set(re.findall(r"(?:option|set)\((TACIT_\w+)", file.read())) | {"TACIT_WITH_LIBSECRET"}
with open(recipe, encoding="utf-8") as file:
    used = set(module.SWITCHES.values()) | set(re.findall(r'"(TACIT_[A-Z]+)"', file.read())) - {"TACIT_STATIC"}
assert used <= known, f"the build has no {used - known}"
print(f"conan: {tacit.name} {tacit.version} with {len(tacit.options)} options")
