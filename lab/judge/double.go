package judge

// doubles counts the members of a match that were in another one when it began.
func (j *judge) doubles(mt *match) {
	for _, m := range []*member{mt.matcher, mt.matchee} {
		if m == nil {
			continue
		}
		for _, other := range m.matches {
			if other == mt || other.first > mt.first || other.first == mt.first && other.id > mt.id {
				continue // it is counted for the later of the two
			}
			if until, over := other.until(); !over || until > mt.first {
				j.verdict.DoubleMatches++
				j.find("double", mt.first, "%s was in match %s when %s began", m.name, other.id, mt.id)
			}
		}
	}
}
