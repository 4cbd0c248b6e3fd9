package checks

import (
	"debug/elf"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
)

// images are the programs of this run by SERVICE, each built once.
var images = struct {
	sync.Mutex
	folder string
	built  map[string]string
}{built: map[string]string{}}

// buildCommand is the RUN of the Dockerfile, without its mounts.
func buildCommand(t *testing.T) string {
	t.Helper()
	run := regexp.MustCompile(`(?s)\nRUN ((?:--mount=\S+ +(?:\\\n)? *)+)(.*?[^\\])\n`).FindStringSubmatch(readFile(t, "deploy/Dockerfile"))
	if run == nil || !strings.Contains(run[2], "go build") {
		t.Fatal("no RUN go build in the Dockerfile")
	}
	return run[2]
}

// image builds what an image of SERVICE holds, without containers: the Dockerfile's own command.
func image(t *testing.T, service string) string {
	t.Helper()
	images.Lock()
	defer images.Unlock()
	if path := images.built[service]; path != "" {
		return path
	}
	out := filepath.Join(images.folder, service)
	cmd := exec.Command("sh", "-c", strings.ReplaceAll(buildCommand(t), "/out", out)) //nolint:gosec // the Dockerfile's own
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "SERVICE="+service)
	if log, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build %s: %v\n%s", service, err, log)
	}
	images.built[service] = filepath.Join(out, "app")
	return images.built[service]
}

// What the images hold is one static file each, and it starts.
func TestImages(t *testing.T) {
	t.Parallel()
	dockerfile := readFile(t, "deploy/Dockerfile")
	for _, want := range []string{"FROM golang:1.26", ":nonroot@sha256:", "\nUSER nonroot", "\nENTRYPOINT [\"/app\"]"} {
		if !strings.Contains(dockerfile, want) {
			t.Errorf("the Dockerfile lacks %q", want)
		}
	}
	project, err := loadCompose(t, makeEnv(t))
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range project.Services {
		if s.Build == nil {
			continue
		}
		if filepath.Clean(s.Build.Dockerfile) != "deploy/Dockerfile" || s.Build.Args["SERVICE"] == nil {
			t.Errorf("%s is built from %s with %v", s.Name, s.Build.Dockerfile, s.Build.Args)
			continue
		}
		checkImage(t, *s.Build.Args["SERVICE"])
	}
}

func checkImage(t *testing.T, service string) {
	t.Helper()
	binary := image(t, service)
	file, err := elf.Open(binary)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close() //nolint:errcheck // read only
	if libraries, err := file.ImportedLibraries(); err != nil || len(libraries) > 0 {
		t.Errorf("%s needs %v (%v)", service, libraries, err)
	}
	for _, p := range file.Progs {
		if p.Type == elf.PT_INTERP {
			t.Errorf("%s needs a dynamic linker", service)
		}
	}
	info, err := os.Stat(binary)
	if err != nil || info.Size() > 64<<20 {
		t.Errorf("%s: %d bytes, %v", service, info.Size(), err)
	}
	help, err := exec.CommandContext(t.Context(), binary, "-help").CombinedOutput() //nolint:gosec // built above
	if err != nil || len(help) == 0 {
		t.Errorf("%s -help: %v\n%s", service, err, help)
	}
}
