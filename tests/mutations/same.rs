//! Edits that mean nothing change no verdict.
