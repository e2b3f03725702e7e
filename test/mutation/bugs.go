package mutation

// A bug is one that somebody might well make: a text of a file and another in its place.
// The file has the old one exactly once, a test sees to it.
type bug struct {
	name, file, old, new string
}

const (
	domain = "internal/match/"
	wire   = "internal/protocol/"
	lambda = "internal/handler/"
	slot   = scriptFolder + "/"
)

func bugs() []bug {
	return []bug{
		// Rule 1: exclusive.
		{"a claim is not exclusive", slot + "claim.lua", "if m.claimMatch then", "if m.claimConfirmed == '1' then"},
		{"a confirm is not written", slot + "confirm.lua", "redis.call('HSET', record, 'claimConfirmed', '1')\n", ""},
		{"a blind commit", slot + "commit.lua", "if not (r and r.state == 'searching' and r.match == match) then", "if not r then"},
		{"a blind release", slot + "release.lua", "m.claimMatch == match and m.claimMatcher == matcher", "m.claimMatch ~= nil"},
		{"a member finds itself", slot + "cell.lua", "elseif name ~= self and ", "elseif "},
		{"a repeated match searches again", slot + "begin.lua", "q.id == id and", "q.id == match and"},
		{"an unanswered begin is sent again under its id", domain + "request.go", "\t\to.Match = s.NewID()\n",
			"\t\tif o.Match == \"\" {\n\t\t\to.Match = s.NewID()\n\t\t}\n"},

		// Rule 2: nothing leaks.
		{"a release lists nobody", slot + "release.lua", "changes = listing(m, r, true) })", "changes = {} })"},
		{"told is never noted", slot + "told.lua", "redis.call('HSET', route, 'told', '1')\n", ""},
		{"a match left unconfirmed is not confirmed by who meets it", domain + "resolve.go",
			"return s.confirm(ctx, matcher, id, matchee, committed)", "return committed.Status == StatusYours, nil"},
		{"an end that a process left half done is not finished", domain + "end.go", "if r == nil || r.State != Ended || r.Told {",
			"if r == nil || r.State != Ended || r.Reason != \"\" {"},

		// Rule 3: the nearest.
		{"the second nearest is taken", domain + "field.go", "c := f.queue[0]\n\t\t\tf.queue = f.queue[1:]\n",
			"at := min(1, len(f.queue)-1)\n\t\t\tc := f.queue[at]\n\t\t\tf.queue = slices.Delete(f.queue, at, at+1)\n"},
		{"the home cell alone decides", domain + "field.go", "range geo.ShardsWithin(f.query.Point, reach) {", "range geo.ShardsWithin(f.query.Point, reach)[:1] {"},
		{"who has moved is not tried again", domain + "drive.go", "moves[c.Member] < 4", "moves[c.Member] < 0"},
		{"a member just claimed for another place is claimed all the same", slot + "claim.lua", "if m.at ~= at or m.seq ~= seq then", "if false then"},

		// Rule 4: fresh.
		{"freshness by the client's clock", slot + "report.lua", "lat, lng, at, seq, int(now), cell", "lat, lng, at, seq, at, cell"},
		{"freshness in the index by the client's clock", slot + "index.lua", "int(now) .. ' ' .. at", "at .. ' ' .. at"},

		// Rule 5: ordered.
		{"a late report moves the index", slot + "index.lua", " or a < k.at or (a == k.at and tonumber(seq) <= k.seq) then", " then"},
		{"a refused report is not put right in the index", domain + "report.go", "if (moved.Known && (err != nil || a.Status != StatusOK)) || missing {", "if missing {"},
		{"an unlisting without its epoch", slot + "unlist.lua", "if parse(text).epoch > epoch then", "if false then"},

		// Rule 6: the right session.
		{"an old connection wins", slot + "member.lua", "if mine < theirs or (mine == theirs and conn < m.conn) then", "if false then"},
		{"a 410 forgets a newer connection", slot + "disconnect.lua", "if m.conn ~= conn or m.gone then", "if m.gone then"},
		{"an expired session is served", lambda + "handler.go", "!h.Now().Before(x.Expires)", "x.Expires.IsZero()"},

		// Rule 7: private.
		{"locations are pushed after the end", slot + "watch.lua", "if r and r.match == match and r.matchee == matchee and r.state == 'active' then",
			"if r and r.match == match and r.matchee == matchee then"},
		{"a slow process pushes all the same", domain + "report.go", "if s.Now().Sub(before) > maxBehind {", "if s.Now().Before(before) {"},
		{"a frame that could not be pushed is logged", domain + "service.go", `"push failed", "connection", connection,`,
			`"push failed", "connection", connection, "frame", string(protocol.Encode(f)),`},
		{"a route decides what a message asks for", wire + "decode.go", "if name != action || !slices", "if !slices"},

		// Rule 8: resumable.
		{"hello forgets the request that waits", domain + "session.go", "(r.State == Waiting || r.State == Searching)", "r.State == Searching"},

		// Rule 9: seekers.
		{"who comes wakes nobody", domain + "wait.go", "range waiters[:min(maxWaiters, len(waiters))]", "range waiters[:0]"},
		{"a listing finds nobody who waits", slot + "list.lua", "return waiting('listed', member, tonumber(lat), tonumber(lng), tags)", "return { 'listed' }"},
		{"a search that fell is not made again for who came meanwhile", domain + "wait.go", "err == nil && fallen.Again &&", "err != nil && fallen.Again &&"},
	}
}
