//! What one tenant has and will get.
