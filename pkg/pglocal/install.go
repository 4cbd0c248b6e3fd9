package pglocal

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/startupwebapp/startupwebapp/pkg/wait"
)

// createClusterConf keeps Debian's packages from starting a cluster of their own.
const createClusterConf = "/etc/postgresql-common/createcluster.conf"

// lockTries is how often, lockPause apart, the lists of packages are fetched while another apt-get
// has their lock.
const lockTries, lockPause = 60, time.Second

// install gets Debian's postgresql package. The lists of packages are fetched only when installing
// with the present ones does not work.
func install(ctx context.Context, log *slog.Logger) error {
	apt, err := exec.LookPath("apt-get")
	if err != nil {
		return errNoBinaries
	}
	privileged, err := privilege(ctx)
	if err != nil {
		return errNoBinaries
	}

	log.Warn("installing Debian's package postgresql, once")
	noOwnCluster := fmt.Sprintf("mkdir -p %s && { [ -e %[2]s ] || echo 'create_main_cluster = false' > %[2]s; }",
		filepath.Dir(createClusterConf), createClusterConf)
	if out, err := privileged(ctx, "sh", "-c", noOwnCluster); err != nil {
		return fmt.Errorf("keep Debian from starting its own PostgreSQL: %w: %s", err, lastLines(out, 2))
	}

	get := func(args ...string) (string, error) {
		return privileged(ctx, "env", append([]string{
			"DEBIAN_FRONTEND=noninteractive", "UCF_FORCE_CONFFOLD=1", apt, "-q", "-o", "DPkg::Lock::Timeout=300",
		}, args...)...)
	}

	installArgs := []string{"install", "-y", "--no-install-recommends", "postgresql"}
	if _, err = get(installArgs...); err == nil {
		return nil
	}

	out, err := get("update")
	// Another apt-get may be fetching the lists: apt-get itself does not wait for their lock.
	for try := 0; err != nil && strings.Contains(out, "Could not get lock") && try < lockTries; try++ {
		if !wait.Sleep(ctx, lockPause) {
			return context.Cause(ctx)
		}
		out, err = get("update")
	}

	if err != nil {
		return fmt.Errorf("fetch Debian's package lists: %w: %s; %s", err, lastLines(out, 3), howToInstall)
	}
	if out, err = get(installArgs...); err != nil {
		return fmt.Errorf("install postgresql: %w: %s; %s", err, lastLines(out, 3), howToInstall)
	}
	return nil
}

// privilege returns a way to run programs as root: directly, or through sudo when that asks for no
// password.
func privilege(ctx context.Context) (func(ctx context.Context, name string, args ...string) (string, error), error) {
	var prefix []string
	if os.Geteuid() != 0 {
		sudo, err := exec.LookPath("sudo")
		if err != nil {
			return nil, fs.ErrPermission
		}
		prefix = []string{sudo, "-n"}
		if err := exec.CommandContext(ctx, sudo, "-n", "true").Run(); err != nil {
			return nil, errors.Join(fs.ErrPermission, err)
		}
	}
	return func(ctx context.Context, name string, args ...string) (string, error) {
		line := append(append(append([]string{}, prefix...), name), args...)
		out, err := exec.CommandContext(ctx, line[0], line[1:]...).CombinedOutput()
		return string(out), err
	}, nil
}
