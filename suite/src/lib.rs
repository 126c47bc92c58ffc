//! launchproof: the suite.
