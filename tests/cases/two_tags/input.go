Of a comment, tags and the version are facts; the sentences are not. Only the comment directly above counts.

-- plugin/api.go --
package plugin

// @tag NotOfAMethod

type API interface {
	// GetOne does something.
	//
	// @tag User
	// @tag Channel
	// Minimum server version: 5.2
	GetOne(id string) error

	/*
	 * @tag Post
	 * Minimum server version: 7.10.1
	 */
	GetTwo(id string) error

	// @tag Detached
	// Minimum server version: 1.0

	// Minimum server version: 9.8
	GetThree(id string) error // @tag Trailing
	// Minimum server version: 11.0-rc1
	GetFour(id string) error
}
