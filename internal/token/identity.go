// Package token turns a JWT into the identity of a member. A [Verifier] checks a
// token against its OIDC issuer, an [Authorizer] does so for API Gateway, and
// [FromContext] reads, in a handler, the identity that the authorizer attached to
// the connection. No error and no log line of this package holds a token.
package token

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// An Identity is a member, as its token describes it.
type Identity struct {
	Member string // any UTF-8, 1 to 128 bytes
	Pool   string
	// Matcher allows the member to ask for matches, Matchee to be found.
	Matcher, Matchee bool
	// Tags are the only tags that the member may report, if HasTags.
	Tags    []string
	HasTags bool
	// Card is JSON that a peer gets with the match, or nil.
	Card    json.RawMessage
	Expires time.Time // to the millisecond
}

// The keys of the authorizer's context. Its values are strings, and an empty one
// may be dropped on the way, so lists are JSON text.
const (
	keyMember  = "member"
	keyPool    = "pool"
	keyRoles   = "roles"
	keyTags    = "tags"
	keyCard    = "card"
	keyExpires = "expires" // epoch milliseconds
)

// Context returns the identity as the context of API Gateway's authorizer:
// strings only, below its limit of 8 KB.
func (i Identity) Context() map[string]any {
	context := map[string]any{
		keyMember:  i.Member,
		keyPool:    i.Pool,
		keyRoles:   list(i.roles()),
		keyExpires: strconv.FormatInt(i.Expires.UnixMilli(), 10),
	}
	if i.HasTags {
		context[keyTags] = list(i.Tags)
	}
	if i.Card != nil {
		context[keyCard] = string(i.Card)
	}
	return context
}

func (i Identity) roles() []string {
	var roles []string
	if i.Matcher {
		roles = append(roles, roleMatcher)
	}
	if i.Matchee {
		roles = append(roles, roleMatchee)
	}
	return roles
}

func list(values []string) string {
	if len(values) == 0 {
		return "[]"
	}
	return `["` + strings.Join(values, `","`) + `"]` // roles and tags need no escaping
}

// FromContext reads an identity from the authorizer's context of an event. It
// fails if there is none, as without an authorizer, or if it is malformed.
func FromContext(context map[string]any) (Identity, error) {
	claims := map[string]json.RawMessage{}
	for _, key := range []string{keyPool, keyRoles, keyTags, keyCard} {
		value, ok, err := text(context, key)
		if err != nil {
			return Identity{}, err
		}
		if !ok {
			if key == keyPool || key == keyRoles {
				return Identity{}, fmt.Errorf("authorizer context: no %q", key)
			}
			continue
		}
		if key == keyPool {
			value = strconv.Quote(value)
		}
		if !json.Valid([]byte(value)) {
			return Identity{}, fmt.Errorf("authorizer context: %q is not as the authorizer wrote it", key)
		}
		claims[key] = json.RawMessage(value)
	}
	member, _, err := text(context, keyMember)
	if err != nil {
		return Identity{}, err
	}
	identity := Identity{Member: member}
	names := claimNames{pool: keyPool, roles: keyRoles, tags: keyTags, card: keyCard}
	if err := errors.Join(checkMember(member), identity.read(claims, names)); err != nil {
		return Identity{}, fmt.Errorf("authorizer context: %w", err)
	}
	expires, _, err := text(context, keyExpires)
	if err != nil {
		return Identity{}, err
	}
	ms, err := strconv.ParseInt(expires, 10, 64)
	if err != nil || ms <= 0 {
		return Identity{}, fmt.Errorf("authorizer context: no time in %q", keyExpires)
	}
	identity.Expires = time.UnixMilli(ms)
	return identity, nil
}

func text(context map[string]any, key string) (value string, ok bool, err error) {
	raw, ok := context[key]
	if !ok {
		return "", false, nil
	}
	value, isText := raw.(string)
	if !isText {
		return "", false, fmt.Errorf("authorizer context: %q is a %T, not a string", key, raw)
	}
	return value, true, nil
}
