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

// memberKeys returns a member's record, its routing-table entry, its last position after it has
// left, what is remembered of its requests and matches that are over, what it chose of its
// availability and tags, and its positions that no push has shown to its peer.
func memberKeys(m match.Member) []string {
	tag := memberTag(m)
	return []string{version + ":m:" + tag, version + ":route:" + tag, version + ":left:" + tag, version + ":past:" + tag,
		version + ":chosen:" + tag, version + ":trail:" + tag}
}

func memberTag(m match.Member) string { return "{" + m.Pool + "/" + url.PathEscape(m.ID) + "}" }

// cellKeys returns the keys of a shard cell: for each of two generations the members by place,
// what is known of them, and the index of their tags; then the requests that wait there, and
// the queue that finds them.
func cellKeys(pool string, c geo.Cell) []string {
	tag := ":{" + pool + "/" + string(c) + "}"
	keys := make([]string, 0, 8)
	for _, name := range []string{":near0", ":seen0", ":tags0", ":near1", ":seen1", ":tags1", ":wait", ":queue"} {
		keys = append(keys, version+name+tag)
	}
	return keys
}

// areaKeys returns the hash of an area's shard cells that have members.
func areaKeys(pool string, area geo.Cell) []string {
	return []string{version + ":area:{" + pool + "/" + string(area) + "}"}
}

// countKey returns the key of a shard cell's number of members.
func countKey(pool string, c geo.Cell) string {
	return version + ":count:{" + pool + "/" + string(c) + "}"
}

// outboxKey returns the key of a member's events that are not yet published.
func outboxKey(m match.Member) string { return version + ":events:" + memberTag(m) }

// tag is what stands in a key's braces.
func tag(key string) string {
	_, text, _ := strings.Cut(key, "{")
	return strings.TrimSuffix(text, "}")
}
