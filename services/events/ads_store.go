package events

import (
	"context"
	"time"

	"github.com/startupwebapp/startupwebapp/pkg/money"
	"github.com/startupwebapp/startupwebapp/pkg/pg"
)

// ad is an advertisement on another site, as it is set up there. Its links carry its code.
type ad struct {
	ID           int64     `json:"id"`
	Title        string    `json:"title"`
	TypeID       int64     `json:"type_id"`
	Type         string    `json:"type"`
	StatusID     int64     `json:"status_id"`
	Status       string    `json:"status"`
	Code         string    `json:"ad_cd"`
	Campaign     string    `json:"campaignid"`
	Group        string    `json:"adgroupid"`
	AdID         string    `json:"adid"`
	FinalURL     string    `json:"final_url"`
	Suffix       string    `json:"final_url_suffix"`
	Headline1    string    `json:"headline_1" db:"headline_1"`
	Headline2    string    `json:"headline_2" db:"headline_2"`
	Headline3    string    `json:"headline_3" db:"headline_3"`
	Description1 string    `json:"description_1" db:"description_1"`
	Description2 string    `json:"description_2" db:"description_2"`
	CreatedAt    time.Time `json:"created_at"`
	Version      int64     `json:"version"`
}

const selectAdSQL = `
	SELECT a.id, a.title, a.type_id, t.title AS type, a.status_id, s.title AS status, coalesce(ad_cd, '') AS code,
	  coalesce(campaignid, '') AS campaign, coalesce(adgroupid, '') AS "group", coalesce(adid, '') AS ad_id,
	  coalesce(final_url, '') AS final_url, coalesce(final_url_suffix, '') AS suffix,
	  coalesce(headline_1, '') AS headline_1, coalesce(headline_2, '') AS headline_2,
	  coalesce(headline_3, '') AS headline_3, coalesce(description_1, '') AS description_1,
	  coalesce(description_2, '') AS description_2, created_at, version
	FROM ad a JOIN ad_type t ON t.id = type_id JOIN ad_status s ON s.id = status_id`

func readAd(ctx context.Context, db pg.DB, id int64) (ad, bool, error) {
	return pg.One[ad](ctx, db, "find ad $1", selectAdSQL+` WHERE a.id = $1`, id)
}

// adFigures is an ad with its figures of some days: arrivals by its link, visits that it led here,
// and the orders of buyers who came by it last.
type adFigures struct {
	ad
	Clicks int64       `json:"clicks"`
	Visits int64       `json:"visits"`
	Orders int64       `json:"orders"`
	Sales  money.Cents `json:"sales"`
}

// adsWanted selects the ads of a list and the days of their figures.
type adsWanted struct {
	Status, Search string
	From, To       time.Time
	Before         int64 // the list continues below this id; 0 for its first page
	Rows           int
}

func listAds(ctx context.Context, db pg.DB, w adsWanted) ([]adFigures, error) {
	return pg.List[adFigures](ctx, db, "list ads", `
		SELECT a.*,
		  (SELECT count(*) FROM arrival
		    WHERE ad_id = a.id AND at >= $1::date::timestamp AT TIME ZONE 'UTC'
		      AND at < ($2::date + 1)::timestamp AT TIME ZONE 'UTC') AS clicks,
		  f.visits, f.orders, f.sales
		FROM (`+selectAdSQL+`
		    WHERE ($3 = '' OR s.title = $3)
		      AND ($4 = '' OR position(lower($4) IN lower(concat_ws(' ',
		        a.title, headline_1, headline_2, headline_3, ad_cd, campaignid, adgroupid, adid, final_url))) > 0)
		      AND ($5 = 0 OR a.id < $5)
		    ORDER BY a.id DESC LIMIT $6) a
		  CROSS JOIN LATERAL (
		    SELECT coalesce(sum(visits), 0)::bigint AS visits, coalesce(sum(orders), 0)::bigint AS orders,
		      coalesce(sum(sales), 0)::bigint AS sales
		    FROM day_part WHERE kind = 'source' AND name = 'ad:' || code AND day BETWEEN $1 AND $2) f
		ORDER BY a.id DESC`, w.From, w.To, w.Status, w.Search, w.Before, w.Rows)
}

// adDay is the figures of an ad on one day.
type adDay struct {
	Day    time.Time   `json:"day"`
	Visits int64       `json:"visits"`
	Orders int64       `json:"orders"`
	Sales  money.Cents `json:"sales"`
}

func readAdDays(ctx context.Context, db pg.DB, code string, from, to time.Time) ([]adDay, error) {
	return pg.List[adDay](ctx, db, "read the days of an ad", `
		SELECT ($2::date + i)::timestamptz AS day, coalesce(visits, 0) AS visits, coalesce(orders, 0) AS orders,
		  coalesce(sales, 0) AS sales
		FROM generate_series(0, $3::date - $2::date) AS i
		  LEFT JOIN day_part ON kind = 'source' AND name = 'ad:' || $1 AND day = $2::date + i
		ORDER BY i`, code, from, to)
}

// readAdClicks counts how often the link of an ad was followed in some days.
func readAdClicks(ctx context.Context, db pg.DB, id int64, from, to time.Time) (int64, error) {
	return pg.Get[int64](ctx, db, "count the clicks of ad $1", `
		SELECT count(*) FROM arrival
		WHERE ad_id = $1 AND at >= $2::date::timestamp AT TIME ZONE 'UTC'
		  AND at < ($3::date + 1)::timestamp AT TIME ZONE 'UTC'`, id, from, to)
}

// readAdOrders lists the last orders of buyers who came by an ad.
func readAdOrders(ctx context.Context, db pg.DB, code string) ([]lastOrder, error) {
	return pg.List[lastOrder](ctx, db, "list the orders of an ad", `
		SELECT identifier, at, pieces, total, coalesce(country, '') AS country
		FROM order_placed
		WHERE source LIKE 'ad:%' AND source = 'ad:' || $1 ORDER BY at DESC LIMIT 20`, code)
}

// namedID is a type or a status of ads.
type namedID struct {
	ID    int64
	Title string
}

func adTypes(ctx context.Context, db pg.DB) ([]namedID, error) {
	return pg.List[namedID](ctx, db, "list the types of ads", `SELECT id, title FROM ad_type ORDER BY id`)
}

func adStatuses(ctx context.Context, db pg.DB) ([]namedID, error) {
	return pg.List[namedID](ctx, db, "list the statuses of ads", `SELECT id, title FROM ad_status ORDER BY id`)
}

func (a ad) columns() []any {
	return []any{a.Title, a.TypeID, a.StatusID, a.Campaign, a.Group, a.AdID, a.FinalURL, a.Suffix, a.Headline1,
		a.Headline2, a.Headline3, a.Description1, a.Description2}
}

// insertAd stores a new ad with its code and returns its id.
func insertAd(ctx context.Context, db pg.DB, a ad, code string) (int64, error) {
	return pg.Get[int64](ctx, db, "insert an ad", `
		INSERT INTO ad (
		  title, type_id, status_id, campaignid, adgroupid, adid, final_url, final_url_suffix,
		  headline_1, headline_2, headline_3, description_1, description_2, ad_cd)
		VALUES (
		  $1, $2, $3, nullif($4, ''), nullif($5, ''), nullif($6, ''), nullif($7, ''), nullif($8, ''),
		  nullif($9, ''), nullif($10, ''), nullif($11, ''), nullif($12, ''), nullif($13, ''), $14)
		RETURNING id`,
		append(a.columns(), code)...)
}

// updateAd changes an ad that still has the version a.Version, and gives it a code if it has none.
func updateAd(ctx context.Context, db pg.DB, a ad) (bool, error) {
	return pg.ExecOne(ctx, db, "update an ad", `
		UPDATE ad SET title = $1, type_id = $2, status_id = $3, campaignid = nullif($4, ''), adgroupid = nullif($5, ''),
		  adid = nullif($6, ''), final_url = nullif($7, ''), final_url_suffix = nullif($8, ''),
		  headline_1 = nullif($9, ''), headline_2 = nullif($10, ''), headline_3 = nullif($11, ''),
		  description_1 = nullif($12, ''), description_2 = nullif($13, ''), ad_cd = coalesce(ad_cd, $16),
		  version = version + 1
		WHERE id = $14 AND version = $15`, append(a.columns(), a.ID, a.Version, newAdCode())...)
}
