package store

import (
	"net/url"
	"strings"

	"waggle/internal/geo"
	"waggle/internal/match"
)

// version is in every key, so that new code never reads a key in an old format.
const version = "w3"

// Every key is built here. What stands in braces decides the slot: all keys of
// one member are in one slot, and so are all keys of one shard cell.

// memberKeys returns a member's record, its routing-table entry, and its last position after
// it has left.
func memberKeys(m match.Member) []string {
	tag := "{" + m.Pool + "/" + url.PathEscape(m.ID) + "}"
	return []string{version + ":m:" + tag, version + ":route:" + tag, version + ":left:" + tag}
}

// cellKeys returns a shard cell's GEO set, and the hashes of when its members
// were seen, of their tags and of the requests that wait there.
func cellKeys(pool string, c geo.Cell) []string {
	tag := "{" + pool + "/" + string(c) + "}"
	return []string{version + ":near:" + tag, version + ":seen:" + tag, version + ":tags:" + tag, version + ":wait:" + tag}
}

// tag is what stands in a key's braces.
func tag(key string) string {
	_, text, _ := strings.Cut(key, "{")
	return strings.TrimSuffix(text, "}")
}
