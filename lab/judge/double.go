package judge

// doubles counts which of its two were in another match when this one began.
func (j *judge) doubles(mt *match) {
	for _, m := range []*member{mt.matcher, mt.matchee} {
		if m == nil {
			continue
		}
		for _, other := range m.matches {
			if other == mt || other.first > mt.first || other.first == mt.first && other.id > mt.id {
				continue // that one is looked at by itself
			}
			if until, over := other.until(); !over || until > mt.first {
				j.verdict.DoubleMatches++
				j.find("double", mt.first, "%s was in match %s when %s began", m.name, other.id, mt.id)
			}
		}
	}
}
