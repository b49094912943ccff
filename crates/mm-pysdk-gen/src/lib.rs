//! IR to the Python SDK's generated part and the reference pages.
