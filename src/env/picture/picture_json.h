#pragma once

// Drawings as compact JSON, for whoever draws them elsewhere, such as a browser's canvas.

#include <string>

#include "genkidama/core/export.h"
#include "genkidama/env/drawing.h"

namespace GENKIDAMA_EXPORT genkidama {
namespace picture {

/// How many units a picture is wide. Places and lengths are whole numbers of them.
inline constexpr int kPictureUnits = 2000;

/// The drawing, which has a view, as {"w":2000,"h":1333,"b":"rrggbb","s":[...]}: width, height, background,
/// and the shapes from the bottom to the top. x grows to the right and y downwards. A shape is one of
///
///     ["p","rrggbb",[x,y,x,y,...]]        a polygon
///     ["l","rrggbb",width,[x,y,...]]      lines, with round ends
///     ["c","rrggbb",x,y,radius]           a circle
///     ["t","rrggbb",x,y,height,"text"]    text; `height` is that of capital letters
std::string to_json(const Drawing& drawing);

}  // namespace picture
}  // namespace genkidama
