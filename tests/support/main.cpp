// The test programs' main; Catch2 3.x brings it in a library of its own.
#define CATCH_CONFIG_MAIN
#include "support/catch.h"
