# For 32-bit ARM boards with ARMv7 and a floating-point unit: Raspberry Pi 2 and later with a 32-bit system.
set(GENKIDAMA_TARGET_TRIPLE arm-linux-gnueabihf)
set(GENKIDAMA_TARGET_PROCESSOR armv7l)
set(GENKIDAMA_TARGET_ARCH armhf)
set(GENKIDAMA_TARGET_EMULATOR qemu-arm-static qemu-arm)
# Debian's compiler assumes no vector unit; nearly every ARMv7 board with Linux has NEON. GCC notes at every turn that version 7.1
# changed how some arguments are handed over; all of Debian is newer.
set(CMAKE_CXX_FLAGS_INIT "-mfpu=neon-vfpv4 -Wno-psabi")
set(CMAKE_C_FLAGS_INIT "-mfpu=neon-vfpv4 -Wno-psabi")
include("${CMAKE_CURRENT_LIST_DIR}/debian_cross.cmake")
