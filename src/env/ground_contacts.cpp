#include "env/ground_contacts.h"

namespace genkidama {
namespace {

bool has_body(const b2Contact& contact, const b2Body* body) {
  return contact.GetFixtureA()->GetBody() == body || contact.GetFixtureB()->GetBody() == body;
}

}  // namespace

void GroundContacts::BeginContact(b2Contact* contact) {
  ++touching_;
  if (has_body(*contact, body_)) body_has_touched_ = true;
  set_legs(*contact, true);
}

void GroundContacts::EndContact(b2Contact* contact) {
  --touching_;
  set_legs(*contact, false);
}

void GroundContacts::set_legs(const b2Contact& contact, bool touches) {
  for (std::size_t i = 0; i < legs_.size(); ++i) {
    if (has_body(contact, legs_[i])) leg_touches_[i] = touches;
  }
}

}  // namespace genkidama
