//! Generated protobuf types, gRPC services and the two traits of the Mattermost plugin API.
