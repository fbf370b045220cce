# shellcheck shell=bash
# Shared by the scripts beside it: where the project lies, how to speak, what it needs installed.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

step() {
  printf '\n==> %s\n' "$*"
}

note() {
  printf '    %s\n' "$*"
}

die() {
  printf '%s: %s\n' "${0##*/}" "$*" >&2
  exit 1
}

# One line per need: the set, how to see that it is there, the Debian package that brings it.
# cmd:X a program on the path; pc:X a pkg-config module; hdr:X a header the compiler finds; py:X a
# module of Python; syspy:X one of the system's Python.
needs() {
  cat <<'END'
build cmd:gcc            gcc
build hdr:stdlib.h       libc6-dev
build cmd:cmake          cmake
build cmd:ninja          ninja-build
build cmd:re2c           re2c
build cmd:lemon          lemon
build cmd:pkg-config     pkg-config
build pc:lmdb            liblmdb-dev
build pc:rdkafka         librdkafka-dev
build pc:libpcre2-8      libpcre2-dev
build pc:libmaxminddb    libmaxminddb-dev
build pc:libxxhash       libxxhash-dev
build pc:libzstd         libzstd-dev
build pc:zlib            zlib1g-dev
ship  cmd:python3        python3
test  pc:cmocka          libcmocka-dev
test  pc:jansson         libjansson-dev
test  cmd:make           make
test  cmd:zstd           zstd
test  cmd:git            git
test  cmd:python3        python3
test  py:yaml            python3-yaml
count cmd:valgrind       valgrind
formats syspy:avro       python3-avro
formats syspy:google.protobuf python3-protobuf
formats cmd:protoc       protobuf-compiler
kafka cmd:java           default-jre-headless
kafka cmd:mvn            maven
fuzz  cmd:clang          clang
END
}

has() {
  case $1 in
    cmd:*) command -v "${1#cmd:}" >/dev/null ;;
    pc:*) pkg-config --exists "${1#pc:}" 2>/dev/null ;;
    py:*) python3 -c "import ${1#py:}" 2>/dev/null ;;
    syspy:*) /usr/bin/python3 -c "import ${1#syspy:}" 2>/dev/null ;;
    hdr:*) echo "#include <${1#hdr:}>" | gcc -fsyntax-only -xc - 2>/dev/null ;;
  esac
}

# missing SET…: the packages of these sets that are not there yet.
missing() {
  local set probe package
  while read -r set probe package; do
    if [[ " $* " == *" $set "* ]] && ! has "$probe"; then
      echo "$package"
    fi
  done < <(needs)
}

# As root directly, else through sudo; fails when neither is possible.
as_root() {
  if [[ $(id -u) -eq 0 ]]; then
    "$@"
  elif command -v sudo >/dev/null; then
    sudo "$@"
  else
    return 1
  fi
}

# What apt says is of interest when it fails.
apt_updated=no
apt_install() {
  local log=$root/build/install.log
  mkdir -p "$root/build"
  note "installing $*"
  if [[ $apt_updated == no ]]; then
    as_root apt-get -q -o DPkg::Lock::Timeout=120 update >"$log" 2>&1 || {
      tail -n 20 "$log" >&2
      return 1
    }
    apt_updated=yes
  fi
  as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=120 \
    -o Dpkg::Use-Pty=0 install --no-install-recommends "$@" >>"$log" 2>&1 || {
    tail -n 20 "$log" >&2
    return 1
  }
}

# install_missing SET…: 0 when everything of these sets is there afterwards; 2, with the list, when
# it is for the user to install.
install_missing() {
  local packages
  mapfile -t packages < <(missing "$@")
  [[ ${#packages[@]} -gt 0 ]] || return 0
  if ! command -v apt-get >/dev/null; then
    printf 'Missing here, under the names that Debian gives them:\n  %s\n' "${packages[*]}" >&2
    return 2
  fi
  if ! apt_install "${packages[@]}"; then
    printf 'Could not install. As root:\n  apt-get install %s\n' "${packages[*]}" >&2
    return 2
  fi
  mapfile -t packages < <(missing "$@")
  if [[ ${#packages[@]} -gt 0 ]]; then
    printf 'Still missing after the installation: %s\n' "${packages[*]}" >&2
    return 2
  fi
}

clang_can_fuzz() {
  local probe status=0
  command -v clang >/dev/null || return 1
  probe=$(mktemp)
  echo 'int LLVMFuzzerTestOneInput(const char *d, long n) { return n > 1 && d[0]; }' |
    clang -fsanitize=fuzzer,address -xc - -o "$probe" 2>/dev/null || status=1
  rm -f "$probe"
  return $status
}

# clang's runtime for fuzzing is a package of its own, named by clang's version.
install_fuzzing() {
  install_missing fuzz || return 2
  if clang_can_fuzz; then
    return 0
  fi
  command -v apt-get >/dev/null || return 2
  local version package
  version=$(clang -dumpversion | cut -d. -f1)
  for package in "libclang-rt-$version-dev" "libclang-common-$version-dev"; do
    if apt_install "$package" && clang_can_fuzz; then
      return 0
    fi
  done
  return 2
}
