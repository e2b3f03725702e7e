package mutation

// A fault is one that somebody might well make: the old text of a file, which must be
// there exactly once, and the new text in its place.
type fault struct {
	name, file, old, new string
}

const (
	domain = "internal/match/"
	wire   = "internal/protocol/"
	lambda = "internal/handler/"
	slot   = scriptFolder + "/"
)

func faults() []fault {
	return []fault{
		// Rule 1: exclusive.
		{"a claim is not exclusive", slot + "member/claim.lua", "if m.claimMatch then", "if m.claimConfirmed == '1' then"},
		{"a confirm is not written", slot + "member/confirm.lua", "  m.claimConfirmed = '1'\n", ""},
		{"a commit does not check the route", slot + "member/commit.lua", "if not (r and r.match == match and (asked or r.state == 'searching' and r.confirm == '0')) then", "if not r then"},
		{"a release does not check whose claim it is", slot + "member/release.lua", "m.claimMatch == match and m.claimMatcher == matcher", "m.claimMatch ~= nil"},
		{"a member finds itself", slot + "cell.lua", "elseif member ~= self and d <= radius", "elseif d <= radius"},
		{"a repeated match searches again", slot + "member/begin.lua", "q.id == id and", "q.id == match and"},
		{"an unanswered begin is sent again under its id", domain + "request.go", "\t\tr.Match = w.NewID()\n",
			"\t\tif r.Match == \"\" {\n\t\t\tr.Match = w.NewID()\n\t\t}\n"},

		// Rule 2: nothing leaks.
		{"a release does not list the member again", slot + "member/release.lua", "changes = index_changes(r, true),", "changes = {},"},
		{"the route never notes that both are free", slot + "member/told.lua", "redis.call('HSET', route, 'notified', '1')\n", ""},
		{"a half-done match is not repaired", domain + "repair.go",
			"\ta, err := w.confirm(ctx, matcher, id, matchee, committed)\n\tw.announce(ctx, a)\n\treturn a != nil, err\n", "\treturn true, nil\n"},

		// Events.
		{"a match is committed without its event", slot + "member/commit.lua", "  note_event('match.matched', match, r, nil, r.distance or far)\n", ""},
		{"a match ends without an event", slot + "member.lua", "    note_event('match.ended', match, r, reason)\n    if part", "    if part"},
		{"an event that was left is published by nobody", slot + "member.lua", " or now >= string.match(event, '\"at\":(%d+)') + NOTIFY_AGAIN)", ")"},
		{"an event is not left to the process that publishes it", slot + "member.lua", "hurry or written[event] or", "true or"},
		{"events are taken out though they were not published", domain + "event.go", "\t\t\t\tw.remindToPublish(ctx, done)\n\t\t\t\treturn\n", ""},
		{"what was published is not taken out", slot + "member/published.lua", "    redis.call('LREM', outbox, 1, event)\n", ""},
		{"the end of a match is not known to its matchee", slot + "member/release.lua", "      m.eventsOf, m.eventsAt = matcher, now\n", ""},
		{"an outbox outlives its member", slot + "member.lua", "chosen, trail, outbox }) do", "chosen, trail }) do"},

		// Offers.
		{"a request that asks is committed without an answer", slot + "member/commit.lua", " and r.confirm == '0'", ""},
		{"the one who declined is asked again", domain + "attempt.go", "\t\ts.exclude(m)\n", "\t\t_ = m\n"},
		{"an offer that has expired stands", slot + "member.lua", "r.state == 'offered' and now >= tonumber(r.till)", "false"},
		{"a report of the one who is asked ends the offer", domain + "report.go", ", watched.Status == StatusOffered && !c.Accepted:", ":"},
		{"an accept that was left half done is lost", domain + "offer.go", "\tif c.Accepted {\n\t\t_, err := w.complete", "\tif false {\n\t\t_, err := w.complete"},
		{"where consent is required, nobody is asked", domain + "request.go", "settings.Consent == pool.Required && r.Confirm == 0", "settings.Consent == pool.Implied && r.Confirm < 0"},
		{"a half-done end is not repaired", domain + "repair.go", "if r == nil || r.State != Ended || r.Notified {",
			"if r == nil || r.State != Ended || r.Reason != \"\" {"},

		// Logs and metrics.
		{"a push without an answer counts as one that was refused", "internal/app/measure.go", "status >= 400 && ", ""},
		{"an event that failed is not counted", lambda + "served.go", "\tif s.outcome != \"ok\" {\n", "\tif s.outcome == \"none\" {\n"},
		{"the log names members", lambda + "served.go", "hashed(s.member)", "s.member.ID"},
		{"a line of metrics has more values than CloudWatch takes", "internal/telemetry/emf.go", "len(c.values) == mostValues {", "len(c.values) == 2*mostValues {"},
		{"what an alarm waits for is written late", "internal/telemetry/emf.go", "\te.urgent = e.urgent || c.alarm\n", ""},
		{"a repair is not counted", domain + "repair.go", "\t\tw.countRepair(RepairFinished)\n", ""},

		// Timers.
		{"no timer is set for an offer", domain + "offer.go", "\tw.remind(ctx, route.Until, o.matcher, o.matchee)\n", ""},
		{"no timer is set for a request that waits", domain + "waiting.go", "\tw.remind(ctx, r.Deadline, owner)\n", ""},
		{"a timer tells nothing", slot + "member/due.lua", "true, untold()", "true, nil"},
		{"what is remembered of a match outlives its telling", slot + "member/told.lua", "  keep_past() -- its reason need not wait for the member any more\n", ""},

		// Leaving.
		{"who is silent is never away", slot + "member.lua", "elseif now >= noticed then", "elseif false then"},
		{"silence counts from before the match", slot + "member.lua", "math.max(heard, began) + 1", "heard + 1"},
		{"who comes back too late has not left", slot + "member/connect.lua", "  r = current_route() -- has the member", "  r = nil -- has the member"},
		{"an older state of a peer counts", slot + "member/peer.lua", "since < known.since or", "since < 0 or"},
		{"every timer of a member goes on", slot + "member/due.lua", "at > now and now >= (m.looked or 0)", "at > now"},
		{"no timer is set for a match", domain + "attempt.go",
			"\tw.remind(ctx, w.Now().Add(settings.Grace/2).UnixMilli(), a.matcher, a.matchee)\n", ""},
		{"a disconnect tells nobody", domain + "session.go", "\treturn s.disconnected(ctx, m, r)\n", "\treturn s.unlist(ctx, m, r.Changes)\n"},
		{"nobody is told that its peer is back", domain + "leave.go", "|| !is.Away && !known.Away {", "|| !is.Away {"},
		{"a matcher does not look whether its matchee has left", domain + "repair.go", "if r.Route.Left || other.Claim.Left {", "if r.Route.Left {"},
		{"a report does not look whether the matcher has left", domain + "report.go", "(c.Left || watched.Left)", "c.Left"},
		{"a welcome does not say that the peer is away", domain + "leave.go", "\treturn w.tellOfPeer(ctx, match, a, atA.Known, atB)\n",
			"\tw.tellOfPeer(ctx, match, a, atA.Known, atB)\n\treturn PeerState{}\n"},

		// Rule 3: the nearest.
		{"the search offers the second nearest candidate first", domain + "search.go", "c := s.queue[0]\n\t\t\ts.queue = s.queue[1:]\n",
			"at := min(1, len(s.queue)-1)\n\t\t\tc := s.queue[at]\n\t\t\ts.queue = slices.Delete(s.queue, at, at+1)\n"},
		{"the search looks in the home cell only", domain + "search.go", "range geo.ShardsWithin(s.query.Point, reach) {", "range geo.ShardsWithin(s.query.Point, reach)[:1] {"},
		{"the search takes the first candidates of a cell for all", domain + "search.go", "if reach > a.horizon {", "if reach > a.horizon && a.rest != \"\" {"},
		{"the search never asks a cell for more", domain + "search.go", "min(a.want*4, mostWanted)", "min(a.want, mostWanted)"},
		{"the search begins anew where a cell had to stop", domain + "search.go", "parts[i].Rest = a.rest", "parts[i].Rest = \"\""},
		{"the search goes on with the rest for fewer candidates", domain + "search.go", "want = max(want, a.want)", "want = max(want, firstWant)"},
		{"a cell is searched without its older generation", slot + "cell.lua", "ipairs({ current, last })", "ipairs({ current })"},
		{"an area forgets the boxes of the span before", slot + "area/mark.lua", "math.max(0, digit - spans)", "digit - digit"},
		{"only the first box of a cell is marked in its area", slot + "cell/list.lua", "string.sub(current.marked, box, box) ~= '1'", "current.marked == ''"},
		{"the older generation is searched up to nowhere", slot + "cell.lua", "math.min(reach, horizon + 0.15)", "horizon == reach and reach or 1"},
		{"a crowd in one square is read in part", slot + "cell.lua", "if more > 0 then", "if false then"},
		{"a crowd in one square is read on as if nobody had been dropped", slot + "cell.lua", "math.max(0, b.skip + PAGE - 8 - gone)", "b.skip + PAGE - 8"},
		{"a candidate who has moved is not tried again", domain + "attempt.go", "moves[c.Member] < maxMoves", "moves[c.Member] < 0"},
		{"a candidate who has moved is claimed at its old place", slot + "member/claim.lua", "if m.at ~= tonumber(at) or m.seq ~= seq then", "if false then"},

		// Rule 4: fresh.
		{"the record's freshness goes by the client's clock", slot + "member/report.lua", "m.reported, m.heard, m.cell, m.jumped = now, nil", "m.reported, m.heard, m.cell, m.jumped = tonumber(at), nil"},
		{"the listing's freshness goes by the client's clock", slot + "cell/list.lua", "heard = tonumber(heard)", "heard = tonumber(at)"},

		{"an inaccurate position is taken", slot + "member/report.lua", "accuracy > tonumber(maxAccuracy)", "accuracy < 0"},
		{"a jump is its own second report", slot + "member/report.lua", "jump_at and tonumber(at) > tonumber(jump_at) and reaches", "jump_at and reaches"},
		{"an inaccurate position keeps its member listed", slot + "member/report.lua", "if not_taken then\n  note_heard()\n", "if not_taken then\n  note_heard()\n  m.reported, m.at = now, tonumber(at)\n"},
		{"a jump moves the listing", slot + "member/report.lua", "index_changes(r, anew, not not_taken)", "index_changes(r, anew, true)"},

		{"the position of a member that has left stays", slot + "member/disconnect.lua", "  hide_position()", "  -- hide_position()"},

		// Rule 5: ordered.
		{"a late report moves the listing", slot + "cell/list.lua", " or (before.epoch == k.epoch and ahead < 0) then", " then"},
		{"a repeated report does not list the member anew", slot + "member/report.lua", "index_changes(r, repeated or retagged)", "index_changes(r, retagged)"},
		{"the changes of a report are not applied", domain + "report.go", "w.Store.Apply(ctx, x.Member, reported.Changes)", "w.Store.Apply(ctx, x.Member, nil)"},
		{"an unlisting ignores the epoch", slot + "cell/unlist.lua", "if k.epoch > tonumber(epoch) then", "if false then"},
		{"availability has the order of positions", slot + "member/report.lua", "local n = order(m.availableAt, arrival, newer)", "local n = newer"},
		{"tags have the order of positions", slot + "member/report.lua", "local n = order(m.tagsAt, arrival, newer)", "local n = newer"},
		{"a batch counts as several reports", domain + "report.go", "(Reported, error) { return w.Store.Report(ctx, x, r) })",
			"(got Reported, err error) {\n\t\tfor range max(1, len(r.Points)) {\n\t\t\tgot, err = w.Store.Report(ctx, x, r)\n\t\t}\n\t\treturn got, err\n\t})"},

		// Rule 6: the right session.
		{"an older connection replaces a newer one", slot + "member.lua", "if mine < theirs or (mine == theirs and conn < m.conn) then", "if false then"},
		{"a 410 disconnects a newer connection", slot + "member/disconnect.lua", "if m.conn ~= conn or m.gone then", "if m.gone then"},
		{"an expired session is served", lambda + "handler.go", "!h.Now().Before(x.Expires)", "x.Expires.IsZero()"},
		{"an expired session is pushed to", slot + "member.lua", "return left_at() and 'expired ' .. m.conn or m.conn", "return m.conn"},
		{"an expired session stays listed", slot + "member.lua", "local heard = m.expires and math.min(m.reported, m.expires - ttl) or m.reported", "local heard = m.reported"},

		// Rule 7: private.
		{"locations are pushed after the end", slot + "member/watch.lua", "if r and r.match == match and r.matchee == matchee and r.state == 'active' then",
			"if r and r.match == match and r.matchee == matchee then"},
		{"what no push has shown is kept after a push has", slot + "member/shown.lua", "redis.call('DEL', trail)\nm.skipped = nil\n", ""},
		{"what no push has shown is shown in the next match", slot + "member/report.lua", "m.skipped == (m.claimMatch or m.active) and redis", "redis"},
		{"a matcher's moves are shown without share", domain + "report.go", "reported.Route.State == Active && reported.Route.Request.Share", "reported.Route.State == Active"},
		{"a matchee that was not told of its match sees its matcher", domain + "report.go", "p != nil && p.told && ", "p != nil && "},
		{"a matchee locates a matcher who does not share its moves", domain + "repair.go", "if p.share && other.Position != nil {", "if other.Position != nil {"},
		{"a slow process shares an old location", domain + "report.go", "w.Now().Sub(began) <= slow", "w.Now().Sub(began) >= 0"},
		{"a member who was not told of its match is said something", domain + "say.go", "case !p.told:", "case !p.told && r.Claim == nil && r.Route == nil:"},
		{"what is said is not taken from the budget", domain + "say.go", "r, err := w.readInMatch(ctx, x, q.Match)", "r, err := w.Store.Read(ctx, x.Member, nil, false)"},
		{"a member who agreed to nothing is listed where it is", "internal/store/index.go", "return geo.Coarse(p)", "return p"},
		{"a claim measures from where a member is who agreed to nothing", "internal/store/member.go", "position.Point = s.place(c.Pool, position.Point)", "_ = position.Point"},
		{"a matcher that was not told of its match sees its matchee", domain + "report.go", "case confirmed && !watched.Tell:", "case confirmed:"},
		{"a matcher sees where its matchee was before the match", domain + "points.go", "max(reported.Since, began)", "reported.Since"},
		{"a remote request needs no report", slot + "member/begin.lua", "if not fresh() and (lat == '' or remote ~= '') then", "if not fresh() and lat == '' then"},
		{"a slow process pushes an old location", domain + "report.go", "w.Now().Sub(before) <= slow", "w.Now().Sub(before) >= 0"},
		{"a frame that could not be pushed is logged", domain + "service.go", `"push failed", "connection", connection,`,
			`"push failed", "connection", connection, "frame", string(protocol.Encode(f)),`},
		{"the action of the event overrides the action of the body", wire + "decode.go", "if name != action || !slices", "if !slices"},

		// The limits of a member.
		{"a message beyond the budget is served", slot + "member.lua", "return kept_out() or limited('messageRate', tonumber(burst), 1000 / perSecond, 1)", "return kept_out()"},
		{"each step of a message is counted", domain + "work.go", "x.Admitted = w.admitted", "x.Admitted = false"},
		{"a member that was refused too often may connect", slot + "member/connect.lua", "kept_out() or limited", "limited"},

		// Failures.
		{"a refusal while connecting counts as one of the call", "internal/store/repeat.go", "valkey.IsValkeyErr(r.NonValkeyError()); refused {", "valkey.IsValkeyErr(r.NonValkeyError()); refused && false {"},

		// Rule 8: resumable.
		{"hello does not return a waiting request", domain + "session.go", "(q.State == Waiting || q.State == Searching)", "q.State == Searching"},

		// Rule 9: waiting requests are woken.
		{"whom a request avoids is found", slot + "member/begin.lua", "if #avoided > 0 then", "if false then"},
		{"a member believes that it is as far from circles as it was where it looked last", slot + "cell/list.lua", "not near(view, square)", "false"},
		{"a member who stays looks at no new requests", slot + "cell.lua", "if #newest > 0 then", "if false then"},
		{"a member who stays is not told again of what fits it", slot + "cell.lua", "view.fits = '1'", "view.fits = '0'"},
		{"requests are not found from as far as a view holds", slot + "cell.lua", "q.radius + REACH", "q.radius"},
		{"a listing wakes no waiting request", domain + "waiting.go", "range waiting[:min(maxWoken, len(waiting))]", "range waiting[:0]"},
		{"a registration makes no attempt if a cell had to stop", domain + "waiting.go",
			"len(s.queue) > 0 || slices.ContainsFunc(hits, func(h Hits) bool { return h.Rest != \"\" })", "len(s.queue) > 0"},
		{"the attempts for others have no end", domain + "waiting.go", " && w.Now().Before(w.until) {", " {"},
		{"a listing returns no waiting requests", slot + "cell/list.lua", "waiting = fitting, ", ""},
		{"a search that gave up does not run again for members who came meanwhile", domain + "waiting.go", "err == nil && given.Missed", "err != nil && given.Missed"},

		// Rule 10: told is told.
		{"a push to an older connection counts for the newer one", slot + "member/told.lua", "if m.conn ~= conn then", "if false then"},
		{"a failed push counts", domain + "work.go", "if w.Notify(ctx, m, connection, f) && len(marks) > 0 {", "if w.Notify(ctx, m, connection, f) || len(marks) > 0 {"},
		{"a failed push of a reply counts", domain + "work.go", "if push(ctx, r.frame) && len(r.marks) > 0 {", "if push(ctx, r.frame) || len(r.marks) > 0 {"},
		{"a no_match is forgotten before its push", slot + "member.lua", "    expired = { id = id, radius = radius, deadline = deadline }\n",
			"    expired = { id = id, radius = radius, deadline = deadline }\n    m.no_match = nil\n"},
		{"a match whose route is lost ends in silence", slot + "member.lua", "    note_untold('ended', match)\n    note_end(match, 'lost')\n", "    note_end(match, 'lost')\n"},
		{"a session that the cache has lost begins anew in silence", slot + "member/connect.lua", "  note_untold('state', int(now))\n", ""},

		// Pairs that part early.
		{"a cool-down is not kept", slot + "member.lua", "    save_list('apart', list, MOST.APART)\n", ""},
		{"a search does not know the cool-downs", slot + "member.lua", "  q.apart = #apart > 0 and apart or nil\n", ""},
		{"both pay for a match that one of them ended early", slot + "member.lua", "if early == role and not", "if early and not"},
		{"a spoilt match is not given back", slot + "member.lua", "      give_back('matchRate', 3600000 / matchesPerHour)\n", ""},
		{"a member that ended too many matches is listed", slot + "member.lua", " and fresh() and\n    not unlisted_until()\n", " and fresh()\n"},

		// Requests by their names.
		{"a cancel withdraws another request than it names", slot + "member/cancel.lua", "if named ~= '' and not", "if false and not"},
		{"a repeated cancel cancels the next request", slot + "member/cancel.lua", "    save_list('cancels', cancels)\n", ""},
	}
}
