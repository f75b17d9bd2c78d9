# An overlay port, which builds the tree that it lies in:
#   vcpkg install tacit --overlay-ports=platform/packages/vcpkg
# vcpkg sees a change of the port, not of the tree: `vcpkg remove tacit` first, and --no-binarycaching.
get_filename_component(SOURCE_PATH "${CURRENT_PORT_DIR}/../../.." ABSOLUTE)

vcpkg_check_features(OUT_FEATURE_OPTIONS FEATURE_OPTIONS
    FEATURES
        keyring TACIT_WITH_LIBSECRET
        redis   TACIT_BUILD_REDIS
        tool    TACIT_BUILD_CLI
)
set(crypto none)
if(VCPKG_TARGET_IS_MINGW)
    set(crypto bcrypt) # Windows' own
elseif("openssl" IN_LIST FEATURES)
    set(crypto openssl)
elseif("mbedtls" IN_LIST FEATURES)
    set(crypto mbedtls)
endif()

vcpkg_find_acquire_program(PKGCONFIG)
vcpkg_cmake_configure(
    SOURCE_PATH "${SOURCE_PATH}"
    OPTIONS
        ${FEATURE_OPTIONS}
        -DTACIT_CRYPTO=${crypto}
        -DTACIT_BUILD_EXAMPLES=OFF
        -DTACIT_BUILD_MAN=OFF
        -DTACIT_BUILD_TESTS=OFF
        "-DPKG_CONFIG_EXECUTABLE=${PKGCONFIG}"
)
vcpkg_cmake_install()
vcpkg_cmake_config_fixup(CONFIG_PATH lib/cmake/tacit)
vcpkg_fixup_pkgconfig()
if("tool" IN_LIST FEATURES)
    vcpkg_copy_tools(TOOL_NAMES tacit AUTO_CLEAN)
endif()

file(REMOVE_RECURSE "${CURRENT_PACKAGES_DIR}/debug/include" "${CURRENT_PACKAGES_DIR}/debug/share")
file(INSTALL "${CURRENT_PORT_DIR}/usage" DESTINATION "${CURRENT_PACKAGES_DIR}/share/${PORT}")
vcpkg_install_copyright(FILE_LIST "${SOURCE_PATH}/LICENSE")
