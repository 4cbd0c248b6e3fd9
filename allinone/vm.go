package allinone

import (
	"bytes"
	"compress/gzip"
	"embed"
	"encoding/base64"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/url"
	"os"
	"regexp"
	"strings"
	"text/template"

	"github.com/startupwebapp/startupwebapp/pkg/boot"
)

// vmFiles is what makes a machine run a shop: deploy/vm, of which this is a copy (make generate
// makes it, and a test compares).
//
//go:embed vm
var vmFiles embed.FS

const vmUsage = `A machine for a shop:

  vm NAME -domain HOST -admin-domain HOST -binary URL -sum SHA256   write the user data with which a new machine with
                                Debian 12 installs the program from URL and opens the shop; give it to your provider

BACKUP_BUCKET, BACKUP_ENDPOINT, BACKUP_REGION, BACKUP_KEY and BACKUP_KEY_SECRET, if set, name S3-compatible storage
for backups, and go into the file. With the BACKUP_PASSPHRASE of existing backups, the machine restores from them.
`

// vmSettings are the variables that install.sh reads.
var vmSettings = []string{"BACKUP_BUCKET", "BACKUP_ENDPOINT", "BACKUP_REGION", "BACKUP_KEY", "BACKUP_KEY_SECRET",
	"BACKUP_PASSPHRASE"}

var (
	hostName = regexp.MustCompile(`^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}$`)
	sha256Of = regexp.MustCompile(`^[0-9a-f]{64}$`)
	// plain matches what needs no quotes in a shell and in YAML.
	plain = regexp.MustCompile(`^[A-Za-z0-9._:/+=@-]*$`)
)

// packed is a file of deploy/vm as it stands in user data, compressed because user data are limited
// to 16 KiB.
func packed(file string) (string, error) {
	text, err := vmFiles.ReadFile("vm/" + file)
	if err != nil {
		return "", fmt.Errorf("read %s: %w", file, err)
	}
	var small bytes.Buffer
	w := gzip.NewWriter(&small)
	_, err = w.Write(text)
	if err = errors.Join(err, w.Close()); err != nil {
		return "", fmt.Errorf("pack %s: %w", file, err)
	}
	return base64.StdEncoding.EncodeToString(small.Bytes()), nil
}

// vm writes the user data of a machine and returns the exit code.
func vm(args []string, out, stderr io.Writer) int {
	code := boot.Report("shop vm", vmUsage, writeVM(args, out), stderr)
	if code == 0 && os.Getenv("BACKUP_BUCKET") == "" {
		fmt.Fprintln(stderr, "Nothing will be backed up: BACKUP_BUCKET is not set.")
	}
	return code
}

func writeVM(args []string, out io.Writer) error {
	wrong := func(format string, a ...any) error {
		return fmt.Errorf("%w: %w", boot.ErrUsage, fmt.Errorf(format, a...))
	}
	if len(args) == 0 || boot.CheckShopName(args[0]) != nil {
		return wrong("name the shop: at most 30 of a-z, 0-9 and _, a letter first")
	}

	name := args[0]
	options := flag.NewFlagSet("vm", flag.ContinueOnError)
	options.SetOutput(io.Discard)
	domain, admin := options.String("domain", "", ""), options.String("admin-domain", "", "")
	binary, sum := options.String("binary", "", ""), options.String("sum", "", "")
	if err := options.Parse(args[1:]); err != nil || options.NArg() > 0 {
		return wrong("wrong arguments for vm")
	}

	for _, host := range []string{*domain, *admin} {
		if !hostName.MatchString(host) {
			return wrong("%q is not the name of a host", host)
		}
	}

	at, err := url.Parse(*binary)
	switch {
	case err != nil || at.Scheme != "https" || at.Host == "" || !plain.MatchString(*binary):
		return wrong("-binary must be an https address of the program")
	case !sha256Of.MatchString(*sum):
		return wrong("-sum must be the SHA-256 of the program, in hex")
	case *domain == *admin:
		return wrong("the back office needs a host of its own")
	}

	env := []string{"SHOP=" + name, "DOMAIN=" + *domain, "ADMIN_DOMAIN=" + *admin}
	for _, variable := range vmSettings {
		value := os.Getenv(variable)
		if !plain.MatchString(value) {
			return wrong("%s has characters that would need quotes", variable)
		}
		if value != "" {
			env = append(env, variable+"="+value)
		}
	}

	t, err := template.New("").Funcs(template.FuncMap{"packed": packed}).ParseFS(vmFiles, "vm/cloud-init.yaml")
	if err != nil {
		return fmt.Errorf("read the template: %w", err)
	}
	var text strings.Builder
	err = t.ExecuteTemplate(&text, "cloud-init.yaml", map[string]any{"Env": env, "Binary": *binary, "Sum": *sum})
	if err != nil {
		return fmt.Errorf("fill the template in: %w", err)
	}
	if _, err := io.WriteString(out, text.String()); err != nil {
		return fmt.Errorf("write the user data: %w", err)
	}

	return nil
}
