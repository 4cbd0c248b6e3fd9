package order

import (
	"context"
	"strconv"

	"github.com/startupwebapp/startupwebapp/pkg/adminui"
)

// automaticGroup are the settings of the automatic mails.
var automaticGroup = settingGroup{
	path:  "automatic-mails",
	title: "Automatic mails",
	intro: "Reminders and review requests go only to people who asked for news. All are off until you switch them " +
		"on; their wording is in the mail templates.",
	keys:   []string{settingReminder, settingReminderHours, settingBackInStock, settingReview, settingReviewDays},
	fields: automaticFields,
	check:  checkAutomatic,
}

func automaticFields(context.Context, *server) ([]adminui.Field, error) {
	return []adminui.Field{
		{Name: settingReminder, Label: "Remind of a checkout that was not paid", Kind: "check", Value: settingOn},
		{Name: settingReminderHours, Label: "Hours after its payment page has ended", Kind: "number", MaxLength: 3,
			Hint: "1 to 168; 4 if empty. Once per cart, and once per person in 30 days."},
		{Name: settingBackInStock, Label: "“Tell me” on pages of products that are out of stock", Kind: "check",
			Value: settingOn, Hint: "Shoppers who ask get one mail when they can buy it again."},
		{Name: settingReview, Label: "Ask for a review", Kind: "check", Value: settingOn},
		{Name: settingReviewDays, Label: "Days after the last parcel has left", Kind: "number", MaxLength: 2,
			Hint: "1 to 60; 14 if empty. Once per order."},
	}, nil
}

// The times that apply if none is set.
const (
	reminderHours, maxReminderHours = 4, 168
	reviewDays, maxReviewDays       = 14, 60
)

func checkAutomatic(_ context.Context, _ *server, values map[string]string, wrong adminui.FieldErrors) error {
	for _, key := range []string{settingReminder, settingBackInStock, settingReview} {
		if v := values[key]; v != "" && v != settingOn {
			wrong[key] = "On or off."
		}
	}
	for key, most := range map[string]int{settingReminderHours: maxReminderHours, settingReviewDays: maxReviewDays} {
		if v := values[key]; v != "" {
			if n, err := strconv.Atoi(v); err != nil || n < 1 || n > most {
				wrong[key] = "A number from 1 to " + strconv.Itoa(most) + ", or nothing."
			}
		}
	}
	return nil
}
