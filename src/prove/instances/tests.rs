//! Records that are as they should be, and records that are not.
