package store

// RemoteMeters is for the tests of this package.
const RemoteMeters = remoteMeters

// Texts returns the text of every script by its name, made of files that are rewritten.
func Texts(rewrite func(file, text string) string) map[string]string {
	texts := map[string]string{}
	for name, text := range readCode(rewrite).texts {
		texts[name] = text()
	}
	return texts
}
