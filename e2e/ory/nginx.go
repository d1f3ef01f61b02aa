package ory

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// Nginx is a running nginx with one server, in a folder of its own.
type Nginx struct {
	Dir, Address string
	Server       *Server
}

// StartNginx starts nginx in a folder, with these locations, and waits until
// what is asked for there is answered well.
func StartNginx(ctx context.Context, dir, address, locations, ready string) (*Nginx, error) {
	binary, err := exec.LookPath("nginx")
	if err != nil {
		binary = "/usr/sbin/nginx" // not in everybody's path
	}
	if _, err := os.Stat(binary); err != nil {
		return nil, errors.New("nginx is not installed; run: make deps")
	}
	n := &Nginx{Dir: dir, Address: address, Server: &Server{
		args: []string{binary, "-p", dir, "-c", "nginx.conf"}, log: filepath.Join(dir, "nginx.log"), ready: "http://" + address + ready,
	}}
	if err := n.Configure(locations); err != nil {
		return nil, err
	}
	return n, n.Server.Start(ctx)
}

// Configure writes the configuration anew; "nginx -s reload" takes it.
func (n *Nginx) Configure(locations string) error {
	text := fmt.Sprintf(`daemon off;
pid nginx.pid;
error_log stderr;
events {}
http {
	access_log off;
	client_body_temp_path t; proxy_temp_path t; fastcgi_temp_path t; uwsgi_temp_path t; scgi_temp_path t;
	server {
		listen %s;
%s
	}
}
`, n.Address, locations)
	return os.WriteFile(filepath.Join(n.Dir, "nginx.conf"), []byte(text), 0o600)
}

// Command is the beginning of a command line about it.
func (n *Nginx) Command() string {
	return fmt.Sprintf("%s -p %s -c nginx.conf", n.Server.args[0], n.Dir)
}
