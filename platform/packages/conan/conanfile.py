"""tacit for Conan 2, from the tree that this lies in: conan create platform/packages/conan"""

import os
import re

from conan import ConanFile
from conan.errors import ConanInvalidConfiguration
from conan.tools.cmake import CMake, CMakeToolchain, cmake_layout
from conan.tools.files import copy, load, rmdir
from conan.tools.gnu import PkgConfigDeps

TREE = os.path.join("..", "..", "..")
# Option of the recipe: option of the build.
SWITCHES = {
    "asynchronous": "TACIT_WITH_ASYNC",
    "browser": "TACIT_WITH_BROWSER",
    "device_code": "TACIT_WITH_DEVICE_CODE",
    "dialects": "TACIT_WITH_DIALECTS",
    "file_store": "TACIT_WITH_FILE_STORE",
    "kernel_keyring": "TACIT_WITH_KEYCTL",
    "libsecret": "TACIT_WITH_LIBSECRET",
    "small": "TACIT_SMALL",
    "tool": "TACIT_BUILD_CLI",
}


class TacitConan(ConanFile):
    name = "tacit"
    license = "MIT"
    description = "Keeps a native app signed in: OAuth 2 tokens attached, renewed and stored, on libcurl"
    topics = ("oauth2", "openid-connect", "libcurl", "keyring")
    package_type = "library"
    settings = "os", "arch", "compiler", "build_type"
    options = {
        "shared": [True, False],
        "fPIC": [True, False],
        "crypto": ["openssl", "mbedtls", "bcrypt", "none"],
        **{switch: [True, False] for switch in SWITCHES},
    }
    default_options = {
        "shared": False,
        "fPIC": True,
        "crypto": "openssl",
        **{switch: switch not in ("small", "tool") for switch in SWITCHES},
    }

    def set_version(self):
        header = load(self, os.path.join(self.recipe_folder, TREE, "include", "tacit", "client.h"))
        self.version = ".".join(re.findall(r"#define TACIT_VERSION_\w+ (\d+)", header))

    def export_sources(self):
        tree = os.path.join(self.recipe_folder, TREE)
        for pattern in ("CMakeLists.txt", "LICENSE", "include/*", "src/*", "platform/*", "examples/*"):
            copy(self, pattern, tree, self.export_sources_folder, excludes="*/node_modules/*")

    def config_options(self):
        if self.settings.os != "Linux":
            del self.options.kernel_keyring
            del self.options.libsecret
            del self.options.tool
        if self.settings.os == "Windows":
            del self.options.file_store
            del self.options.fPIC
            self.options.crypto = "bcrypt"

    def configure(self):
        # It is C alone.
        self.settings.rm_safe("compiler.cppstd")
        self.settings.rm_safe("compiler.libcxx")
        if self.options.shared:
            self.options.rm_safe("fPIC")

    def layout(self):
        cmake_layout(self, src_folder=".")

    def requirements(self):
        self.requires("libcurl/[>=7.86 <9]")
        self.requires("jansson/[>=2.12 <3]")
        if self.options.crypto == "openssl":
            self.requires("openssl/[>=1.1 <4]")
        elif self.options.crypto == "mbedtls":
            self.requires("mbedtls/[>=2.28 <4]")
        if self.options.get_safe("libsecret"):
            # Its headers: the library is loaded where it is there.
            self.requires("libsecret/[>=0.20 <1]", libs=False)

    def build_requirements(self):
        self.tool_requires("cmake/[>=3.18]")
        self.tool_requires("pkgconf/[>=1.8]")

    def validate(self):
        if self.settings.os == "Windows" and self.settings.compiler == "msvc":
            raise ConanInvalidConfiguration("tacit is built with gcc or clang on Windows (mingw-w64)")
        if self.options.crypto == "bcrypt" and self.settings.os != "Windows":
            raise ConanInvalidConfiguration("bcrypt is Windows' own")

    def generate(self):
        PkgConfigDeps(self).generate()
        toolchain = CMakeToolchain(self)
        toolchain.cache_variables["TACIT_CRYPTO"] = str(self.options.crypto)
        for switch, variable in SWITCHES.items():
            toolchain.cache_variables[variable] = bool(self.options.get_safe(switch, False))
        for unwanted in ("EXAMPLES", "MAN", "TESTS"):
            toolchain.cache_variables["TACIT_BUILD_" + unwanted] = False
        toolchain.generate()

    def build(self):
        cmake = CMake(self)
        cmake.configure()
        cmake.build()

    def package(self):
        CMake(self).install()
        copy(self, "LICENSE", self.source_folder, os.path.join(self.package_folder, "licenses"))
        # Conan writes its own, which find the dependencies where it has them.
        rmdir(self, os.path.join(self.package_folder, "lib", "cmake"))
        rmdir(self, os.path.join(self.package_folder, "lib", "pkgconfig"))
        rmdir(self, os.path.join(self.package_folder, "share"))

    def package_info(self):
        self.cpp_info.libs = ["tacit"]
        self.cpp_info.set_property("cmake_file_name", "tacit")
        self.cpp_info.set_property("cmake_target_name", "tacit::tacit")
        self.cpp_info.set_property("pkg_config_name", "tacit")
        if not self.options.shared:
            self.cpp_info.defines = ["TACIT_STATIC"]
            self.cpp_info.set_property("cmake_target_aliases", ["tacit::tacit_static"])
        if self.settings.os == "Linux":
            self.cpp_info.system_libs = ["dl", "pthread"]
        elif self.settings.os == "Windows":
            self.cpp_info.system_libs = ["advapi32", "bcrypt", "ole32", "shell32", "uuid", "ws2_32"]
        elif self.settings.os == "Macos":
            self.cpp_info.frameworks = ["CoreFoundation", "Security"]
