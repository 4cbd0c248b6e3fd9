package checks

import (
	"bytes"
	"compress/gzip"
	"debug/elf"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/compose-spec/compose-go/v2/types"
)

// images are the programs built in this run, by the image's name. Each is built once.
var images = struct {
	sync.Mutex
	folder string
	built  map[string]string
}{built: map[string]string{}}

// koList is a list of .ko.yaml, which configures how images are built.
func koList(t *testing.T, name string) (list []string) {
	t.Helper()
	line := regexp.MustCompile(`(?m)^` + name + `: (\[.*\])$`).FindStringSubmatch(readFile(t, ".ko.yaml"))
	if line == nil || json.Unmarshal([]byte(line[1]), &list) != nil {
		t.Fatalf(".ko.yaml names no %s on one line", name)
	}
	return list
}

// packageOf is the package of an image's program, according to deploy/images.sh.
func packageOf(t *testing.T, image string) string {
	t.Helper()
	for _, folder := range []string{"services/" + image, "allinone", "standin"} {
		if _, err := os.Stat(filepath.Join(root, folder, "cmd", image)); err == nil {
			return "./" + folder + "/cmd/" + image
		}
	}
	t.Fatalf("no program is called %s", image)
	return ""
}

// image builds the program of the image of that name, without containers.
func image(t *testing.T, name string) string {
	t.Helper()
	images.Lock()
	defer images.Unlock()
	if path := images.built[name]; path != "" {
		return path
	}
	out := filepath.Join(images.folder, name)
	args := append([]string{"build"}, koList(t, "defaultFlags")...)
	args = append(args, "-ldflags", strings.Join(koList(t, "defaultLdflags"), " "), "-o", out, packageOf(t, name))
	cmd := exec.Command("go", args...) //nolint:gosec // the same command that builds the images
	cmd.Dir = root
	cmd.Env = append(os.Environ(), koList(t, "defaultEnv")...)
	if log, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build %s: %v\n%s", name, err, log)
	}
	images.built[name] = out
	return out
}

// ourImage is the name of a container's image, if it is one of ours.
func ourImage(s types.ServiceConfig) string {
	name, ours := strings.CutPrefix(s.Image, "startupwebapp/")
	if !ours {
		return ""
	}
	name, _, _ = strings.Cut(name, ":")
	return name
}

// Each image holds one static file, which starts. Its health check names the file.
func TestImagesAreOneStaticFile(t *testing.T) {
	t.Parallel()
	project, err := loadCompose(t, makeEnv(t))
	if err != nil {
		t.Fatal(err)
	}
	built := readFile(t, "deploy/images.sh")
	for _, s := range project.Services {
		name := ourImage(s)
		if name == "" {
			continue
		}
		if !strings.Contains(built, packageOf(t, name)) && !slices.Contains(services, name) {
			t.Errorf("deploy/images.sh does not build %s", name)
		}
		if check := s.HealthCheck; !check.Disable && (len(check.Test) != 3 || check.Test[1] != "/ko-app/"+name) {
			t.Errorf("%s asks %v whether it is well", s.Name, check.Test)
		}
		checkImage(t, name)
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
	if size := compressed(t, binary); slices.Contains(services, service) && size > imageBytes-baseBytes {
		t.Errorf("%s has %d bytes in an image, want %d at most", service, size, imageBytes-baseBytes)
	}

	help, err := exec.CommandContext(t.Context(), binary, "-help").CombinedOutput() //nolint:gosec // built above
	if err != nil || len(help) == 0 {
		t.Errorf("%s -help: %v\n%s", service, err, help)
	}
}

// The base image has the folders that our images declare as volumes. Fargate gives a mounted folder
// to the user of an image that declares it as a volume, and to root otherwise; then no task would
// start, since none runs as root.
func TestTasksMayWriteWhatTheyMount(t *testing.T) {
	t.Parallel()
	mounted := regexp.MustCompile(`ContainerPath: (/\w+)`).FindAllStringSubmatch(readFile(t, "deploy/aws/templates/service.yaml"), -1)
	if len(mounted) == 0 {
		t.Error("service.yaml mounts nothing")
	}
	declared := regexp.MustCompile(`"Volumes":\{.*?\}\}`).FindString(readFile(t, "deploy/images.sh"))
	for _, m := range mounted {
		if !strings.Contains(declared, `"`+m[1]+`":{}`) {
			t.Errorf("deploy/images.sh does not declare %s, which service.yaml mounts: %s", m[1], declared)
		}
		if !strings.Contains(readFile(t, "tools/base/main.go"), `"`+m[1][1:]+`/"`) {
			t.Errorf("tools/base makes no %s", m[1])
		}
	}
}

// Compose mounts something at every volume that an image declares. Otherwise each container would
// leave a new volume on disk.
func TestContainersLeaveNoVolumes(t *testing.T) {
	t.Parallel()
	project, err := loadCompose(t, makeEnv(t))
	if err != nil {
		t.Fatal(err)
	}
	list := regexp.MustCompile(`"Volumes":\{(.*?)\}\}`).FindStringSubmatch(readFile(t, "deploy/images.sh"))
	if list == nil {
		t.Fatal("deploy/images.sh declares no volumes")
	}

	for _, declared := range regexp.MustCompile(`"(/\w+)":`).FindAllStringSubmatch(list[1], -1) {
		for name, s := range project.Services {
			var mounted []string
			for _, m := range s.Tmpfs {
				path, _, _ := strings.Cut(m, ":")
				mounted = append(mounted, path)
			}
			for _, m := range s.Volumes {
				mounted = append(mounted, m.Target)
			}

			slices.Sort(mounted)
			if ourImage(s) != "" && !slices.Contains(mounted, declared[1]) {
				t.Errorf("%s mounts nothing at %s", name, declared[1])
			}
			if len(mounted) != len(slices.Compact(slices.Clone(mounted))) {
				t.Errorf("%s mounts two things at one place: %v", name, mounted)
			}
		}
	}
}

// imageBytes is the limit of deploy/images.sh for a service; baseBytes is the part of it that the
// base takes.
const (
	imageBytes = 12_000_000
	baseBytes  = 200_000
)

// compressed is the size of a file in an image. ko compresses it at the fastest level.
func compressed(t *testing.T, name string) int {
	t.Helper()
	body, err := os.ReadFile(name) //nolint:gosec // built by this test
	if err != nil {
		t.Fatal(err)
	}
	var packed bytes.Buffer
	w, err := gzip.NewWriterLevel(&packed, gzip.BestSpeed)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(body); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return packed.Len()
}
