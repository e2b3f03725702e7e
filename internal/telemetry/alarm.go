package telemetry

// An Alarm goes off when what an instrument has counted, in a minute and with that value of its
// attribute, has reached the threshold in so many of the last minutes.
type Alarm struct {
	ID          string
	Description string
	Instrument  ID
	Value       string // "" if the instrument has no attribute
	Threshold   float64
	Minutes     int
	Within      int
}

var alarms = []Alarm{
	{"AnswersInternal", "members get the error internal: a function or a script is broken", Refusals, "internal", 1, 1, 5},
	{"AnswersUnavailable", "members get the error unavailable: the cache cannot be reached, or refuses what it is asked", Refusals, "unavailable", 10, 3, 5},
	{"PushesRefused", "API Gateway refuses pushes: the functions may not manage connections, or a frame is too large", Pushes, "refused", 1, 3, 5},
	{"PushesThrottled", "API Gateway throttles pushes: the account's quota is used up, or clients do not read", Pushes, "throttled", 10, 3, 5},
	{"PushesFailed", "pushes fail: API Gateway cannot be reached, does not answer in time, or answers 5xx", Pushes, "failed", 10, 3, 5},
	{"SignInsThrottled", "the cache puts off the functions' sign-ins: too many environments start at once", CacheTrips, "sign_in_throttled", 1, 3, 5},
	{"SignInsRefused", "the cache refuses the functions' sign-ins: a wrong user, name, password or permission", CacheTrips, "sign_in_refused", 1, 3, 5},
	{"CommandsForbidden", "the cache forbids the functions a command: the user's permissions are of another version", CacheTrips, "forbidden", 1, 1, 5},
	{"EventsNotPublished", "events cannot be published: the application gets them later, or after two hours never", EventsUnpublished, "", 1, 3, 5},
}

// Alarms lists the alarms on instruments.
func Alarms() []Alarm { return append([]Alarm{}, alarms...) }
