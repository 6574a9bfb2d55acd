#pragma once

// The polygons of a Box2D body.

#include <array>

#include <box2d/box2d.h>

#include "env/drawn/shapes.h"

namespace genkidama::drawn {

/// A point that is given in the body's own coordinates.
inline Point on_body(const b2Body& body, double x, double y) {
  const b2Vec2 place = body.GetWorldPoint({static_cast<float>(x), static_cast<float>(y)});
  return {place.x, place.y};
}

inline void draw_body(Canvas& canvas, const b2Body& body, Colour fill) {
  for (const b2Fixture* fixture = body.GetFixtureList(); fixture != nullptr; fixture = fixture->GetNext()) {
    if (fixture->GetType() != b2Shape::e_polygon) continue;
    const auto& shape = static_cast<const b2PolygonShape&>(*fixture->GetShape());
    std::array<Point, b2_maxPolygonVertices> corners;
    const auto count = static_cast<std::size_t>(shape.m_count);
    for (std::size_t i = 0; i < count; ++i)
      corners[i] = on_body(body, shape.m_vertices[i].x, shape.m_vertices[i].y);
    canvas.polygon(std::span(corners).first(count), fill);
  }
}

}  // namespace genkidama::drawn
