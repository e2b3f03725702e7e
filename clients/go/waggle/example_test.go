package waggle_test

import (
	"context"
	"fmt"
	"log"
	"time"

	"waggle/clients/go/waggle"
	"waggle/clients/go/waggle/waggletest"
)

// Ana asks for the nearest member and follows it.
func Example() {
	server := waggletest.NewServer(benComesNearer)
	defer server.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()

	ana, err := waggle.Connect(ctx, waggle.Options{
		URL:        server.URL(), // such as wss://….execute-api.eu-west-1.amazonaws.com/prod
		HTTPClient: server.HTTPClient(),
		Token:      func(context.Context) (string, error) { return "ana's JWT", nil },
	})
	if err != nil {
		log.Fatal(err)
	}
	defer ana.Close()

	if err := ana.Report(ctx, waggle.Location{Lat: 37.7749, Lng: -122.4194}); err != nil {
		log.Fatal(err)
	}
	out, err := ana.Match(ctx, waggle.Match{Radius: 3000, Wait: 30})
	if err != nil {
		log.Fatal(err)
	}
	if out.Matched == nil {
		fmt.Println("nobody is near")
		return
	}
	fmt.Printf("matched, %.0f m away\n", out.Matched.Peer.Distance)
	for event := range ana.Events(ctx) {
		switch event := event.(type) {
		case *waggle.LocationFrame:
			fmt.Printf("now at %.4f, %.4f\n", event.Lat, event.Lng)
		case *waggle.Ended: // if Ana was offline then, the reason is Lost
			fmt.Println("ended:", event.Reason)
			return
		}
	}
	// Output:
	// matched, 120 m away
	// now at 37.7750, -122.4190
	// ended: completed
}

// benComesNearer is the server's side of the example.
func benComesNearer(s *waggletest.Socket) {
	s.Welcome(&waggle.Welcome{Member: "ana", Pool: "default"})
	m, _ := s.Await("match")
	s.Push(&waggle.Matched{ID: m.ID, Match: "m1", Role: "matcher", Peer: waggle.Peer{Lat: 37.7758, Lng: -122.4188, Distance: 120}})
	s.Push(&waggle.LocationFrame{Match: "m1", Lat: 37.775, Lng: -122.419, At: 1})
	s.Push(&waggle.Ended{Match: "m1", Reason: "completed"})
	s.Drain()
}
