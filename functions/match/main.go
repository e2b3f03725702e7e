// Command match finds the nearest member, withdraws requests and ends matches.
package main

import (
	"waggle/internal/app"
	"waggle/internal/topology"
)

func main() { app.Main(topology.Match) }
