#!/bin/sh
# SPDX-License-Identifier: MIT
# Boots a kernel and runs a script in it:
# tests/kernels/boot.sh [-m MODULE]... [-p PROGRAM]... SCRIPT DEB...
#
# The machine is qemu's, emulated (no KVM), with 512 MiB; its one filesystem is an initramfs of
# busybox, the script, and the programs with the libraries they are linked to. DEB are the
# packages of one kernel. The exit status is the script's; 125: the machine did not come so far,
# or not within BOOT_TIMEOUT seconds (300).
set -eu

usage() {
	echo "usage: $0 [-m MODULE]... [-p PROGRAM]... SCRIPT DEB..." >&2
	exit 2
}

modules='' programs=''
while getopts m:p: option; do
	case $option in
	m) modules="$modules $OPTARG" ;;
	p) programs="$programs $OPTARG" ;;
	*) usage ;;
	esac
done
shift $((OPTIND - 1))
[ $# -ge 2 ] || usage
script=$1
shift

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
root=$work/root
kernel=$work/kernel

unpack_kernel() {
	mkdir "$kernel"
	for deb; do
		dpkg-deb -x "$deb" "$kernel"
	done
	image=$(find "$kernel" -name 'vmlinuz*' -type f)
	[ -e "$image" ] || { echo "boot: no kernel image in $*" >&2; exit 125; }
}

# With what it depends on. One that is not there is built in, or not had by this kernel: the
# script finds out.
copy_module() {
	# Its name says _ where its file may say -.
	file=$(find "$kernel" -name "$(echo "$1" | tr '_-' '??').ko*" | head -n 1)
	if [ -z "$file" ] || [ -e "$target/$1.ko" ]; then
		return
	fi
	case $file in
	*.xz) xz -dc "$file" ;;
	*.zst) zstd -qdc "$file" ;;
	*) cat "$file" ;;
	esac >"$target/$1.ko"
	for needed in $(tr '\0' '\n' <"$target/$1.ko" | sed -n 's/^depends=//p' | tr ',' ' '); do
		copy_module "$needed"
	done
}

copy_modules() {
	target=$root/lib/modules/$(find "$kernel" -path '*/lib/modules/*' -prune -printf '%f\n')
	mkdir -p "$target"
	for module in $modules; do
		echo "$module" >>"$root/modules"
		copy_module "$module"
	done
}

# Each library where the program looks for it.
copy_program() {
	cp -L "$1" "$root/bin/"
	ldd "$1" 2>/dev/null | grep -o '/[^ ]*' | while read -r library; do
		mkdir -p "$root/${library%/*}"
		cp -L "$library" "$root/$library"
	done
}

make_root() {
	mkdir -p "$root/bin" "$root/dev" "$root/proc" "$root/sys" "$root/tmp" "$root/mnt" "$root/etc"
	cp "$(command -v busybox)" "$root/bin/busybox"
	cp "$script" "$root/script"
	touch "$root/modules"
	for program in $programs; do
		copy_program "$program"
	done
	cat >"$root/init" <<-'END'
		#!/bin/busybox sh
		/bin/busybox --install -s /bin
		export PATH=/bin HOME=/
		mount -t proc proc /proc
		mount -t sysfs sys /sys
		mount -t devtmpfs dev /dev
		echo /bin/modprobe >/proc/sys/kernel/modprobe
		depmod
		while read -r module; do
			modprobe -q "$module"
		done </modules
		sh /script
		echo "boot: exit $?"
		reboot -f
	END
	chmod 755 "$root/init"
}

unpack_kernel "$@"
make_root
copy_modules
(cd "$root" && find . | cpio -o -H newc --quiet | gzip -1) >"$work/initrd"

# A reboot ends the emulator: the small machine has no other way to switch itself off.
# Without cx16: qemu 7.2 at times spoils the flags of a cmpxchg16b, and the kernel panics.
timeout -k 5 "${BOOT_TIMEOUT:-300}" qemu-system-x86_64 -accel tcg -cpu max,cx16=off -m 512 \
	-M microvm,acpi=off,rtc=on,pit=on,pic=on,isa-serial=on -nodefaults -display none \
	-no-reboot -serial stdio -kernel "$image" -initrd "$work/initrd" \
	-append 'console=ttyS0 quiet loglevel=3 panic=-1 reboot=t' </dev/null |
	tr -d '\r' | tee "$work/console" | sed -u '/^boot: exit /,$d'
status=$(sed -n 's/^boot: exit \([0-9]*\)$/\1/p' "$work/console")
[ -n "$status" ] || echo "boot: the script did not end" >&2
exit "${status:-125}"
