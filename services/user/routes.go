package user

import (
	"fmt"
	"net/http"

	"github.com/go-chi/chi/v5"

	"github.com/startupwebapp/startupwebapp/pkg/web"
)

// routes are the requests that user answers. The rest of /user (sessions, the CSRF token, the
// account page) is edge's. Edge and mailer call /internal, which is never forwarded from outside.
func (s *server) routes() http.Handler {
	r := web.Router("user", s.log)
	r.With(web.RequireIdentity(s.mailerKey)).Post("/internal/tagged-among", web.Handle(s.taggedAmong))
	r.Group(func(r chi.Router) {
		r.Use(web.RequireIdentity(s.identityKey), web.Outcomes)
		get := func(path string, h web.Handler) { r.Get(path, web.Handle(h)) }
		post := func(path string, h web.Handler) { r.Post(path, web.Handle(h)) }
		secure := func(path string, h web.Handler) { post(path, s.security(h)) }

		get("/user/", s.index)
		secure("/user/create-account", s.createAccount)
		secure("/user/login", s.login)
		get("/user/verify-email-address", s.verifyEmailAddress)
		secure("/user/verify-email-address-response", s.verifyEmailAddressResponse)
		secure("/user/reset-password", s.resetPassword)
		secure("/user/set-new-password", s.setNewPassword)
		secure("/user/forgot-username", s.forgotUsername)
		secure("/user/update-my-information", s.updateMyInformation)
		secure("/user/undo-address-change", s.undoAddressChange)
		post("/user/update-communication-preferences", s.updateCommunicationPreferences)
		secure("/user/change-my-password", s.changeMyPassword)
		get("/user/email-unsubscribe-lookup", s.emailUnsubscribeLookup)
		post("/user/email-unsubscribe-confirm", s.emailUnsubscribeConfirm)
		post("/user/email-unsubscribe-why", s.emailUnsubscribeWhy)
		get("/user/terms-of-use-agree-check", s.termsOfUseAgreeCheck)
		get("/user/terms-of-use-agree", s.termsOfUseAgree) // refused as if the version were missing, which it is
		post("/user/terms-of-use-agree", s.termsOfUseAgree)
		post("/user/put-chat-message", s.putChatMessage)
		post("/user/pythonabot-notify-me", s.pythonabotNotifyMe)

		get("/internal/account", s.internalAccount)
		get("/internal/address-of-member", s.internalAddressOfMember)
		post("/internal/unsubscribe", s.internalUnsubscribe)
	})
	return r
}

func (s *server) index(w http.ResponseWriter, _ *http.Request) error {
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-store, no-cache")
	if _, err := fmt.Fprintf(w, "Accounts of this shop, version %s.", web.APIVersion{}); err != nil {
		return fmt.Errorf("write an answer: %w", err)
	}
	return nil
}
