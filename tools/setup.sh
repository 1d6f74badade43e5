#!/bin/sh
# SPDX-License-Identifier: MIT
# Makes sure that what a target needs is there: tools/setup.sh build|check|lint|fuzz|bench...
#
# Each line of the table below is a thing that is tried for and the package that has it. Nothing is
# done where all of it works. On Debian as root the missing packages are installed; anywhere else
# they are named and the exit status is 1.
set -eu

# for what | what is tried | Debian | Fedora | Arch
needs='
build cmd:cc           gcc                gcc                 gcc
build hdr:stdio.h      libc6-dev          glibc-devel         glibc
build hdr:linux/fanotify.h linux-libc-dev kernel-headers      linux-api-headers
build cmd:meson        meson              meson               meson
build cmd:ninja        ninja-build        ninja-build         ninja
build cmd:pkg-config   pkg-config         pkgconf-pkg-config  pkgconf
build cmd:clang        clang              clang               clang
build cmd:bpftool      bpftool            bpftool             bpf
build pc:libbpf        libbpf-dev         libbpf-devel        libbpf
build pc:zlib          zlib1g-dev         zlib-devel          zlib
build pc:yaml-0.1      libyaml-dev        libyaml-devel       libyaml
build pc:nettle        nettle-dev         nettle-devel        nettle
build pc:libseccomp    libseccomp-dev     libseccomp-devel    libseccomp
build pc:yara          libyara-dev        yara-devel          yara
check pc:cmocka        libcmocka-dev      cmocka-devel        cmocka
check cc:-fsanitize=address,undefined gcc libasan,libubsan    gcc
check py:jsonschema    python3-jsonschema python3-jsonschema  python-jsonschema
check cmd:mount        mount              util-linux          util-linux
check cmd:setpriv      util-linux         util-linux          util-linux
check cmd:mkfs.ext4    e2fsprogs          e2fsprogs           e2fsprogs
check cmd:mkfs.xfs     xfsprogs           xfsprogs            xfsprogs
check cmd:mkfs.btrfs   btrfs-progs        btrfs-progs         btrfs-progs
check cmd:bindfs       bindfs             bindfs              bindfs
check cmd:setcap       libcap2-bin        libcap              libcap
check cmd:jq           jq                 jq                  jq
check cmd:strace       strace             strace              strace
check cmd:make         make               make                make
check cmd:valgrind     valgrind           valgrind            valgrind
lint  cmd:clang-format clang-format       clang-tools-extra   clang
lint  cmd:clang-tidy   clang-tidy         clang-tools-extra   clang
lint  cmd:cppcheck     cppcheck           cppcheck            cppcheck
lint  cmd:c++          g++                gcc-c++             gcc
lint  cmd:shellcheck   shellcheck         ShellCheck          shellcheck
lint  cmd:codespell    codespell          codespell           codespell
lint  cmd:mandoc       mandoc             mandoc              mandoc
lint  any:pyflakes3,pyflakes pyflakes3    python3-pyflakes    python-pyflakes
lint  cmd:zsh          zsh                zsh                 zsh
lint  cmd:fish         fish               fish                fish
fuzz  cmd:clang        clang              clang               clang
fuzz  clang:-fsanitize=fuzzer libclang-rt-dev compiler-rt     compiler-rt
fuzz  pc:cmocka        libcmocka-dev      cmocka-devel        cmocka
bench cmd:fatrace      fatrace            fatrace             fatrace
bench cmd:inotifywait  inotify-tools      inotify-tools       inotify-tools
bench cmd:bpftrace     bpftrace           bpftrace            bpftrace
kernels cmd:qemu-system-x86_64 qemu-system-x86 qemu-system-x86-core qemu-system-x86
kernels cmd:busybox    busybox-static     busybox             busybox
kernels cmd:cpio       cpio               cpio                cpio
'

# An empty program that must compile and link with the flags given after the compiler.
links() {
	echo 'int main(void) { return 0; }' | "$@" -x c -o /dev/null - 2>/dev/null
}

works() {
	case $1 in
	cmd:*) PATH=$PATH:/usr/sbin:/sbin command -v "${1#*:}" ;;
	any:*) command -v "${1##*,}" || { p=${1#*:}; command -v "${p%,*}"; } ;;
	hdr:*) echo "#include <${1#*:}>" | cc -E - 2>/dev/null ;;
	pc:*) pkg-config --exists "${1#*:}" 2>/dev/null ;;
	# The distribution's own, which the live tests use, too.
	py:*) PATH=/usr/bin:$PATH python3 -c "import ${1#*:}" 2>/dev/null ;;
	cc:*) links cc "${1#*:}" ;;
	clang:*) echo 'int LLVMFuzzerTestOneInput(const char *d, unsigned long n) { return !d || !n; }' |
		clang "${1#*:}" -x c -o /dev/null - 2>/dev/null ;;
	*) echo "setup: no such test: $1" >&2; exit 2 ;;
	esac >/dev/null
}

# The packages of column $1 (debian, fedora, arch) that are missing for the targets in $wanted.
missing() {
	echo "$needs" | while read -r target probe debian fedora arch; do
		case " $wanted " in *" ${target:-none} "*) ;; *) continue ;; esac
		works "$probe" && continue
		case $1 in
		debian) echo "$debian" ;;
		fedora) echo "$fedora" ;;
		arch) echo "$arch" ;;
		esac
	done | tr ',' '\n' | sort -u | tr '\n' ' '
}

# Are the packages given all installed? Then trying for them is what went wrong.
installed() {
	for package; do
		dpkg-query -W -f '${db:Status-Abbrev}\n' "$package" 2>/dev/null | grep -q '^ii' || return 1
	done
}

tell() {
	{
		echo "setup: missing packages; install, then try again:"
		echo "  Debian, Ubuntu: apt-get install $(missing debian)"
		echo "  Fedora:         dnf install $(missing fedora)"
		echo "  Arch:           pacman -S $(missing arch)"
	} >&2
	exit 1
}

wanted="build $*"
packages=$(missing debian)
[ -n "$packages" ] || exit 0
if ! [ -e /etc/debian_version ] || [ "$(id -u)" -ne 0 ]; then
	tell
fi

# The list is words by intention.
# shellcheck disable=SC2086
if installed $packages; then
	echo "setup: installed, but does not work: $packages" >&2
	exit 1
fi
echo "setup: installing $packages" >&2
export DEBIAN_FRONTEND=noninteractive
log=$(mktemp)
trap 'rm -f "$log"' EXIT
# shellcheck disable=SC2086
if ! { apt-get update -qq && apt-get install -y -qq --no-install-recommends $packages; } \
	>"$log" 2>&1 </dev/null; then
	cat "$log" >&2
	echo "setup: apt-get failed, see above" >&2
	exit 1
fi
left=$(missing debian)
[ -z "$left" ] || { echo "setup: installed, but does not work: $left" >&2; exit 1; }
