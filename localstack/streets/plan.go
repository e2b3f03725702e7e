package streets

// The plan of the city, in degrees read from a map of San Francisco.

// coast is the outline of the land, up to the city's southern edge.
func coast() area {
	return area{
		At(37.788, -122.506), At(37.789, -122.493), At(37.794, -122.4835), At(37.810, -122.477), // Lands End to the Golden Gate
		At(37.806, -122.462), At(37.807, -122.445), At(37.807, -122.430), At(37.8085, -122.4175), // the north shore
		At(37.808, -122.409), At(37.795, -122.392), At(37.788, -122.387), At(37.778, -122.387), // the piers
		At(37.772, -122.387), At(37.760, -122.382), At(37.748, -122.380), At(37.738, -122.375), // the bay
		At(37.729, -122.366), At(37.724, -122.360), At(37.710, -122.380), At(37.708, -122.395),
		At(37.705, -122.430), At(37.685, -122.455), At(37.685, -122.4955), // the hills in the south
		At(37.708, -122.502), At(37.735, -122.507), At(37.760, -122.511), At(37.781, -122.5135), // the ocean
	}
}

// diagonal is the quarter south of Market Street. Its grid lies at 45° to the other.
func diagonal() area {
	return area{
		At(37.7948, -122.3950), At(37.7750, -122.4193), At(37.7695, -122.4185), At(37.7695, -122.4050),
		At(37.7735, -122.3930), At(37.7785, -122.3870), At(37.7880, -122.3870), At(37.7935, -122.3920),
	}
}

// parks have few streets.
func parks() []area {
	box := func(south, west, north, east float64) area {
		return area{At(south, west), At(south, east), At(north, east), At(north, west)}
	}
	return []area{
		box(37.7660, -122.5110, 37.7720, -122.4550), // Golden Gate Park
		box(37.7880, -122.4850, 37.8020, -122.4490), // the Presidio
		box(37.7450, -122.4620, 37.7610, -122.4440), // Twin Peaks
		box(37.7190, -122.5000, 37.7330, -122.4830), // Lake Merced
	}
}

// A grid is an area with streets at right angles.
type grid struct {
	in      func(Point) bool
	bearing float64 // of its avenues, in degrees from north
	blocks  Point   // the size of a block, in metres
}

func grids() []grid {
	land, soma := coast(), diagonal()
	return []grid{
		{func(p Point) bool { return land.contains(p) && !soma.contains(p) }, -5, Point{180, 140}},
		{func(p Point) bool { return land.contains(p) && soma.contains(p) }, 45, Point{170, 170}},
	}
}

// everyAvenue says that each fourth street is an avenue. A park has every second
// avenue, and no other streets.
const everyAvenue = 4

// A road goes from bend to bend.
type road struct {
	kind  kind
	bends []Point
}

func roads() []road {
	interchange, airport := At(37.7380, -122.4075), At(37.6170, -122.3970)
	return []road{
		{motorway, []Point{ // 101
			At(37.7700, -122.4075), At(37.7640, -122.4060), At(37.7496, -122.4050), interchange, At(37.7290, -122.4010),
			At(37.7120, -122.3970), At(37.7000, -122.3925), At(37.6740, -122.3880), At(37.6650, -122.3960), At(37.6550, -122.4045),
			At(37.6360, -122.4050), airport,
		}},
		{motorway, []Point{ // 280
			At(37.7755, -122.3930), At(37.7660, -122.3950), At(37.7550, -122.3925), At(37.7425, -122.3980), interchange,
			At(37.7310, -122.4300), At(37.7220, -122.4470), At(37.7080, -122.4680), At(37.6900, -122.4700), At(37.6670, -122.4660),
			At(37.6400, -122.4380), At(37.6335, -122.4150), At(37.6360, -122.4050),
		}},
		{avenue, []Point{ // the airport
			airport, At(37.6158, -122.3900), At(37.6147, -122.3850), At(37.6170, -122.3835), At(37.6190, -122.3850),
			At(37.6180, -122.3895), At(37.6158, -122.3900),
		}},
	}
}

// The longest street from the bend of a highway to a grid, and between two grids, in metres.
const (
	ramp = 350.0
	seam = 160.0
)
