package user

import (
	"net/http"
	"strconv"

	"github.com/startupwebapp/startupwebapp/pkg/web"
)

// taggedBatchSize is how many people mailer may ask about in one request.
const taggedBatchSize = 1000

// taggedAmong tells mailer which of some people have a tag. Without people it reports whether the
// tag was ever given.
func (s *server) taggedAmong(w http.ResponseWriter, r *http.Request) error {
	form, err := web.Form(w, r)
	if err != nil {
		return err
	}
	tag, err := form.Required("tag")
	if err != nil {
		return err
	}

	var people [2][]int64
	for i, name := range []string{"member", "prospect"} {
		for _, text := range form.Values[name] {
			id, err := strconv.ParseInt(text, 10, 64)
			if err != nil {
				return web.BadRequest(name)
			}
			people[i] = append(people[i], id)
		}
	}
	if len(people[0])+len(people[1]) > taggedBatchSize {
		return web.BadRequest("member")
	}

	found, err := findTagged(r.Context(), s.pool, tag, people[0], people[1])
	if err != nil {
		return err
	}
	return web.JSON(w, http.StatusOK, found)
}
