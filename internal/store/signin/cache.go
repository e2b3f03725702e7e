package signin

import (
	"fmt"
	"regexp"
	"strings"
)

// A Cache is an ElastiCache cache with IAM authentication.
type Cache struct {
	// Name is in lower case: the name of a serverless cache, or the id of a cluster's
	// replication group. It is no part of the address.
	Name       string
	Serverless bool
}

// Parse reads serverless/NAME or cluster/NAME. An error says what is allowed.
func Parse(text string) (Cache, error) {
	kind, name, _ := strings.Cut(text, "/")
	if kind != "serverless" && kind != "cluster" || !validName(name) {
		return Cache{}, fmt.Errorf("it must be serverless/NAME or cluster/NAME, with the cache's name of up to 40 letters, digits and hyphens, not %q", text)
	}
	return Cache{Name: strings.ToLower(name), Serverless: kind == "serverless"}, nil
}

func validName(name string) bool {
	return regexp.MustCompile(`^[A-Za-z][A-Za-z0-9-]{0,39}$`).MatchString(name)
}
