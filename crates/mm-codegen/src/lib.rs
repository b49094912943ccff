//! Surface to IR, and IR to proto and Rust.
