// Command sample prints something else with each of its mutants.
package main

import (
	"errors"
	"fmt"
)

type size int

const most size = 3

type kind string

var errOdd = errors.New("odd")

func main() {
	for _, n := range []int{-1, 0, 1, 2, 3, 4} {
		fmt.Println(n, between(n), grade(size(n)), spell(kind(fmt.Sprint("k", n))), sum(n, n >= 4, n == 3), count(n))
		fmt.Println(half(n))
		fmt.Println(last(n))
	}
}

func between(n int) bool { return 0 <= n && n < 4 && !(n == 2 || n == 1) }

func grade(s size) string {
	switch {
	case s > most, s == 0:
		return "out"
	case s == most:
		return "most"
	}
	return "in"
}

func spell(k kind) string {
	switch text := "a " + string(k); k {
	case "k1", "k2":
		return text
	case "k3", "k-1":
		switch length := len(text); length {
		case 4:
			return "three"
		}
		return "long"
	default:
		return "any"
	}
}

func half(n int) (_ int, err error) {
	if n%2 != 0 {
		return 0, errOdd
	}
	return n / 2, nil
}

func sum(n int, twice, stop bool) (total float64) {
	defer func() { total++ }()
	total += float64(n) + 0.5
	if twice || stop {
		total *= 2
		if stop {
			total -= 2
			return total
		}
	}
	add := func(x float64) {
		if total > 1.5 {
			total = total - x
		}
	}
	add(0.25)
	return total
}

func count(n int) (steps int) {
loop:
	for i := 0; ; i++ {
		switch i {
		case 7:
			break loop
		}
		if i == n {
			steps = 100
			continue
		}
		steps++
	}
	return steps
}

func last(n int) (err error) {
	defer func() { err = errors.Join(err, fmt.Errorf("last of %d", n)) }()
	_, err = half(n)
	return err
}
