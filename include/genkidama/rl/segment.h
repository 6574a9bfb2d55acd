#pragma once

/// @file
/// Segment, for programs that look for it among the headers of learning.

#include "genkidama/params/segment.h"
