"""Runs the Conan recipe without Conan, whose modules stand here empty, for each system, and holds what it says against
the tree.

    conan.py RECIPE CMAKELISTS CLIENT_H
"""

import importlib.util
import re
import sys
import types
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
    build = file.read()
known = set(re.findall(r"(?:option|set)\((TACIT_\w+)", build)) | set(re.findall(r"cmake_dependent_option\((\w+)", build))
with open(recipe, encoding="utf-8") as file:
    used = set(module.SWITCHES.values()) | set(re.findall(r'"(TACIT_[A-Z]+)"', file.read())) - {"TACIT_STATIC"}
assert used <= known, f"the build has no {used - known}"
left_out = {each for each in known if each.startswith("TACIT_WITH_")} - used
assert not left_out, f"the recipe does not know {left_out}"


class Choices(types.SimpleNamespace):
    """Options or settings."""
    def get_safe(self, name, default=None):
        return getattr(self, name, default)

    def rm_safe(self, name):
        self.__dict__.pop(name, None)


def on(system):
    """The recipe, as Conan has called it for a static library."""
    made = module.TacitConan()
    made.settings = Choices(os=system, compiler="gcc")
    made.options = Choices(**made.default_options)
    made.requires = mock.Mock()
    made.cpp_info = mock.Mock(system_libs=[], frameworks=[])
    for step in (made.config_options, made.configure, made.requirements, made.validate, made.package_info):
        step()
    made.required = {call.args[0].partition("/")[0] for call in made.requires.call_args_list}
    return made


linux, windows, macos = on("Linux"), on("Windows"), on("Macos")
assert linux.required == {"libcurl", "jansson", "openssl", "libsecret"}, linux.required
assert macos.required == {"libcurl", "jansson", "openssl"}, macos.required
assert windows.required == {"libcurl", "jansson"}, windows.required
assert windows.options.crypto == re.search(r"if\(WIN32\)\s+set\(default_crypto (\w+)\)", build).group(1)
assert windows.cpp_info.system_libs == re.search(r"set\(system_libraries (.*)\)", build).group(1).split()
assert ["-framework " + each for each in macos.cpp_info.frameworks] == \
    re.findall('"(.*?)"', re.search(r"set\(frameworks (.*)\)", build).group(1))
for made in (windows, macos): # the command was not brought there
    assert not made.options.get_safe("tool") and not hasattr(made.options, "kernel_keyring")
print(f"conan: {tacit.name} {tacit.version} with {len(tacit.options)} options")
