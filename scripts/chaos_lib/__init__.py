"""What scripts/chaos consists of: a module for each fault, and what they share."""
