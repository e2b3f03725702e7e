package token

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"unicode/utf8"

	"waggle/internal/pool"
)

// The roles of a member.
const (
	roleMatcher = "matcher"
	roleMatchee = "matchee"
)

// The bounds of the claims.
const (
	maxMember = 128 // bytes
	maxTags   = 16
	maxTag    = 32  // characters
	maxCard   = 512 // bytes
)

// claimNames are the names of the optional claims in a token.
type claimNames struct{ pool, roles, tags, card string }

// read fills in the optional claims. A malformed claim is an error: ignoring it
// could give the member more than its issuer meant.
func (i *Identity) read(claims map[string]json.RawMessage, names claimNames) error {
	i.Pool = pool.DefaultName
	if raw, ok := claims[names.pool]; ok {
		name, ok := asText(raw)
		if !ok || !pool.ValidName(name) {
			return errors.New("the pool must be a string of 1 to 32 of a-z, 0-9 and \"-\"")
		}
		i.Pool = name
	}

	i.Matcher, i.Matchee = true, true
	if raw, ok := claims[names.roles]; ok {
		roles, ok := words(raw)
		i.Matcher, i.Matchee = slices.Contains(roles, roleMatcher), slices.Contains(roles, roleMatchee)
		if !ok || slices.ContainsFunc(roles, func(r string) bool { return r != roleMatcher && r != roleMatchee }) {
			return errors.New("the roles must be some of matcher and matchee, in an array or a string")
		}
	}

	i.Tags, i.HasTags = nil, false
	if raw, ok := claims[names.tags]; ok {
		tags, ok := words(raw)
		if !ok || len(tags) > maxTags || slices.ContainsFunc(tags, func(tag string) bool { return !validTag(tag) }) {
			return errors.New("the tags must be at most 16 of 1 to 32 of a-z, 0-9, \"_\" and \"-\", in an array or a string")
		}
		i.Tags, i.HasTags = tags, true
	}

	i.Card = nil
	if raw, ok := claims[names.card]; ok && string(raw) != "null" {
		var card bytes.Buffer
		if err := json.Compact(&card, raw); err != nil || card.Len() > maxCard || !utf8.Valid(card.Bytes()) {
			return errors.New("the card must be JSON of at most 512 bytes")
		}
		i.Card = card.Bytes()
	}
	return nil
}

// checkMember also refuses U+FFFD. A JSON decoder puts it in place of anything
// that is not UTF-8, so that two members would have one name.
func checkMember(member string) error {
	if member == "" || len(member) > maxMember || !utf8.ValidString(member) || strings.ContainsRune(member, utf8.RuneError) {
		return errors.New("the member must be a string of 1 to 128 bytes of UTF-8")
	}
	return nil
}

// words reads an array of strings or, since some issuers have no arrays in
// custom claims, one string of words separated by commas or spaces. It returns
// each word once.
func words(raw json.RawMessage) ([]string, bool) {
	all := []string{}
	if one, ok := asText(raw); ok {
		all = strings.FieldsFunc(one, func(r rune) bool { return r == ',' || r == ' ' })
	} else {
		var values []*string
		if err := json.Unmarshal(raw, &values); err != nil || values == nil {
			return nil, false
		}
		for _, value := range values {
			if value == nil {
				return nil, false
			}
			all = append(all, *value)
		}
	}
	once := all[:0]
	for _, word := range all {
		if !slices.Contains(once, word) {
			once = append(once, word)
		}
	}
	return once, true
}

// asText reads a JSON string; null is not one.
func asText(raw json.RawMessage) (value string, ok bool) {
	if !bytes.HasPrefix(raw, []byte{'"'}) { // for most an array, whose error would be the dearest part
		return "", false
	}
	err := json.Unmarshal(raw, &value)
	return value, err == nil
}

func validTag(tag string) bool {
	if len(tag) < 1 || len(tag) > maxTag {
		return false
	}
	for _, c := range []byte(tag) {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '_' && c != '-' {
			return false
		}
	}
	return true
}
