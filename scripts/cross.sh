# shellcheck shell=bash
# Shared by make-sysroot, cross-build, cross-test and bundle; source it after common.sh.

# What each kind of board is called by Debian, by the compiler, by the presets and by the emulator.
# cross_target SCRIPT ARCH: sets arch, triple, preset, emulator, sysroot; ends the script when ARCH is neither.
cross_target() {
  arch=$2
  case $arch in
    arm64) triple=aarch64-linux-gnu preset=aarch64 emulator=qemu-aarch64-static ;;
    armhf) triple=arm-linux-gnueabihf preset=armhf emulator=qemu-arm-static ;;
    *)
      echo "$1: unknown architecture '$arch'; expected arm64 (64-bit boards) or armhf (32-bit boards)" >&2
      exit 2
      ;;
  esac
  export arch triple preset emulator
  export sysroot=${GENKIDAMA_SYSROOT:-$PWD/build/sysroot-$arch}
}

# need SCRIPT COMMAND PACKAGE: ends the script when the command is not there.
need() {
  command -v "$2" >/dev/null && return
  echo "$1: '$2' is missing. On Debian: apt install $3" >&2
  exit 1
}

need_sysroot() {
  [[ -d $sysroot/usr/include ]] && return
  echo "$1: there is no $arch sysroot at '$sysroot'. Make it: scripts/make-sysroot $arch" >&2
  exit 1
}

# Programs of the board must run as if they were of this machine, not only behind the emulator's name: they start
# each other. The kernel does so once binfmt_misc knows them. Either it does (Debian's qemu-user-static together with
# binfmt-support), or, from Linux 6.7 on, the script calls itself in a user namespace with a table of its own, which
# needs no root and leaves the machine as it is.
# enter_emulation PROGRAM SCRIPT ARGUMENT...: PROGRAM is one of the board's, to try; SCRIPT is a path.
enter_emulation() {
  local program=$1
  shift
  export QEMU_LD_PREFIX=$sysroot
  # Without arguments it complains, which will do; what cannot be run at all gives 126.
  local status=0
  "$program" >/dev/null 2>&1 || status=$?
  ((status >= 126)) || return 0
  if [[ -n ${GENKIDAMA_EMULATES-} ]]; then
    echo "$(basename "$1"): '$program' does not run in the emulator:" >&2
    "$program" >&2
    exit 1
  fi
  need "$(basename "$1")" "$emulator" qemu-user-static
  need "$(basename "$1")" unshare util-linux
  # The file type, byte for byte: ELF of this class, little-endian, a program or a shared object, for this processor.
  local class=02 machine=b7
  [[ $arch == arm64 ]] || class=01 machine=28
  local magic="\\x7fELF\\x$class\\x01\\x01\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x02\\x00\\x$machine\\x00"
  local mask='\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff'
  GENKIDAMA_BINFMT=":genkidama-$arch:M::$magic:$mask:$(command -v "$emulator"):FP"
  export GENKIDAMA_BINFMT GENKIDAMA_EMULATES=$arch
  # shellcheck disable=SC2016
  exec unshare --user --map-root-user --mount --propagation private bash -c '
    if ! mount -t binfmt_misc none /proc/sys/fs/binfmt_misc 2>/dev/null ||
      ! printf "%s" "$GENKIDAMA_BINFMT" 2>/dev/null >/proc/sys/fs/binfmt_misc/register; then
      echo "${0##*/}: the kernel does not run programs of such a board. As root: apt install qemu-user-static binfmt-support" >&2
      echo "  (with Linux 6.7 or newer, user namespaces would do instead)" >&2
      exit 1
    fi
    exec "$0" "$@"' "$@"
}
