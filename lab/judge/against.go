package judge

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
)

// Against compares the verdict with the output of replay -json, and lists each number
// that differs.
func (v Verdict) Against(printed []byte) (differ []string, err error) {
	var theirs map[string]any
	if err := json.Unmarshal(printed, &theirs); err != nil {
		return nil, fmt.Errorf("it is not the output of replay -json: %w", err)
	}
	text, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	var ours map[string]any
	if err := json.Unmarshal(text, &ours); err != nil {
		return nil, err
	}
	compared := 0
	for _, name := range slices.Sorted(maps.Keys(theirs)) {
		own, ok := ours[name]
		switch {
		case !ok:
			differ = append(differ, fmt.Sprintf("%s: the replay says %v, and the verdict has no such number", name, theirs[name]))
		case !reflect.DeepEqual(own, theirs[name]):
			differ = append(differ, fmt.Sprintf("%s: the replay says %v, the record %v", name, theirs[name], own))
		}
		if ok {
			compared++
		}
	}
	if compared == 0 {
		return nil, errors.New("it is not the output of replay -json: it has none of its numbers")
	}
	return differ, nil
}
