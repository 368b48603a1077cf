//! Rewrites that keep what policies mean, or grant less, stay proved.
