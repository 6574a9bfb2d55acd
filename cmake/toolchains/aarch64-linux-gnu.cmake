# For 64-bit ARM boards: Raspberry Pi 3 and later with a 64-bit system, and everything newer.
set(GENKIDAMA_TARGET_TRIPLE aarch64-linux-gnu)
set(GENKIDAMA_TARGET_PROCESSOR aarch64)
set(GENKIDAMA_TARGET_ARCH arm64)
set(GENKIDAMA_TARGET_EMULATOR qemu-aarch64-static qemu-aarch64)
include("${CMAKE_CURRENT_LIST_DIR}/debian_cross.cmake")
