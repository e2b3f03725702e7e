package store

// RemoteMeters is for the tests of this package.
const RemoteMeters = remoteMeters
