# Libraries from Debian's source packages, for systems that Debian has no packages for. To be read in by
# scripts with `set -eu`. The system's own sources list is not touched.

# Where the system's packages of Debian's release come from, as a line for a sources list: deb or deb-src.
debian_source() {
    suite=$(. /etc/os-release && echo "$VERSION_CODENAME")
    apt-get indextargets --format '$(REPO_URI) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' |
        awk -v kind="$1" -v suite="$suite" '$2 == suite && $3 == "main" {
            print kind " [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] " $1, $2, $3
            exit }'
}

# fetch_sources DIRECTORY PACKAGE...: apt's files go to DIRECTORY/apt, the packages to DIRECTORY/src. As whoever
# runs this, not as apt's own user, who may not write there.
fetch_sources() {
    apt=$1/apt
    src=$1/src
    shift
    mkdir -p "$apt/lists/partial" "$apt/cache/archives/partial" "$src"
    debian_source deb-src >"$apt/sources.list"
    apt_get update
    (cd "$src" && apt_get source --download-only "$@")
}
apt_get() {
    apt-get -o Dir::Etc::SourceList="$apt/sources.list" -o Dir::Etc::SourceParts=/dev/null \
        -o Dir::State::Lists="$apt/lists" -o Dir::Cache="$apt/cache" -o APT::Sandbox::User=root "$@"
}

# unpack PACKAGE: goes to the sources as their authors made them, with Debian's patches.
unpack() {
    rm -rf "$src/$1"
    (cd "$src" && dpkg-source --no-check -x "$1"_*.dsc "$1")
    cd "$src/$1"
}

# What curl is built without, in order to be small and to need nothing but the TLS library that comes after these.
curl_options="--disable-ftp --disable-file --disable-ldap --disable-ldaps --disable-rtsp --disable-dict --disable-telnet \
    --disable-tftp --disable-pop3 --disable-imap --disable-smb --disable-smtp --disable-gopher --disable-mqtt \
    --disable-manual --disable-ntlm --without-libpsl --without-zlib --without-brotli --without-zstd \
    --without-libidn2 --without-nghttp2 --without-librtmp --without-libssh2"
