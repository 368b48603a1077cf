//! The ordered plan for a change in one tenant's life, from its first day to its erasure.
