// Which processes belong to a container, by their control groups. Pure. The programs that run containers and virtual machines
// (dockerd, containerd and its shims, docker-proxy, conmon, qemu) are code of the host.

/** Groups named after a container's id, or below which there are only containers. */
const CONTAINER = [
  /[/:-](?:docker|cri-containerd|containerd|nerdctl|crio|podman|libpod|libpod-payload)[-:][0-9a-f]{4,}/,
  /[/](?:docker|lxc|libpod_parent)[/]/,
  /kubepods|[/]lxc[.]payload/,
  /[/]machine[.]slice[/](?!machine-qemu)/,
];

/** `cgroup`: the text of /proc/PID/cgroup. */
export function isInContainer(cgroup: string): boolean {
  return CONTAINER.some((pattern) => pattern.test(cgroup));
}
