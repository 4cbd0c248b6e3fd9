"""An AWS on this machine, for rehearsals: MiniStack, with stand-ins for what it does not make.

It proves that the stacks fit together, that the commands do what they say, and that nothing is left behind;
not that AWS accepts a template (cfn-lint looks at that). Tasks are run as processes: an image .../shop:TAG is
the program EMULATOR_PROGRAMS/shop, with the variables and secrets that a container would have. What stays up,
such as a service, is only noted. The file EMULATOR_FAULTS names images whose services come up late ("slow shop:TAG")
or not at all ("broken shop:TAG").
"""

import asyncio
import logging
import os
import subprocess
import sys
import time
import uuid

from ministack.services import cloudformation, cloudwatch_logs, ecs
from ministack.services.cloudformation import changesets, handlers, provisioners


def stand_in(prefix, **attributes):
    """A resource that exists by its id alone."""

    def create(logical_id, props, stack_name):
        made = prefix + uuid.uuid4().hex[:17]
        return made, {name: value.replace("*", made) for name, value in attributes.items()}

    def update(physical_id, old_props, new_props, stack_name):
        return physical_id, {name: value.replace("*", physical_id) for name, value in attributes.items()}

    return {"create": create, "update": update, "delete": lambda physical_id, props: None}


def provider():
    """An account's provider of tokens, of which it has one."""
    made = []

    def create(logical_id, props, stack_name):
        if made:
            raise RuntimeError(f"Provider with url {props['Url']} already exists.")
        made.append("arn:aws:iam::000000000000:oidc-provider/" + props["Url"].removeprefix("https://"))
        return made[0], {"Arn": made[0]}

    return {"create": create, "delete": lambda physical_id, props: made.clear()}


STAND_INS = {
    "AWS::ApplicationAutoScaling::ScalableTarget": stand_in("service/"),
    "AWS::ApplicationAutoScaling::ScalingPolicy": stand_in("arn:aws:autoscaling:policy/"),
    "AWS::Budgets::Budget": stand_in("budget-"),
    "AWS::CloudFront::OriginAccessControl": stand_in("E"),
    "AWS::EC2::EIP": stand_in("eip-", AllocationId="eipalloc-*"),
    "AWS::EC2::Instance": stand_in("i-", PrivateIp="10.0.0.10", AvailabilityZone="us-east-1a"),
    "AWS::EC2::NatGateway": stand_in("nat-"),
    "AWS::EC2::SecurityGroupIngress": stand_in("sgr-"),
    "AWS::EC2::Volume": stand_in("vol-"),
    "AWS::EC2::VolumeAttachment": stand_in("attachment-"),
    "AWS::IAM::OIDCProvider": provider(),
    "AWS::RDS::DBParameterGroup": stand_in("parameters-"),
    "AWS::RDS::DBSubnetGroup": stand_in("subnets-"),
    "AWS::ServiceDiscovery::HttpNamespace": stand_in("ns-", Arn="arn:aws:servicediscovery:us-east-1:000000000000:namespace/*"),
    "AWS::WAFv2::WebACLAssociation": stand_in("association-"),
}


def fault(kind, image):
    """Whether an image has that fault."""
    path = os.environ.get("EMULATOR_FAULTS", "")
    return os.path.exists(path) and f"{kind} {image.split('/')[-1]}" in open(path).read().splitlines()


def mend():
    """What MiniStack 1.4 does otherwise than AWS, and our commands notice."""
    delete_change_set = handlers._ACTION_HANDLERS["DeleteChangeSet"]

    def deleted(params):  # AWS's answer has an empty result, and its SDKs want one
        status, headers, body = delete_change_set(params)
        return status, headers, body.replace(b"<ResponseMetadata>", b"<DeleteChangeSetResult/><ResponseMetadata>", 1)

    handlers._ACTION_HANDLERS["DeleteChangeSet"] = deleted

    secret = provisioners._RESOURCE_HANDLERS["AWS::SecretsManager::Secret"]

    def create_secret(logical_id, props, stack_name):  # Ref is the ARN
        name, attributes = secret["create"](logical_id, props, stack_name)
        return attributes.get("Arn") or attributes.get("Id") or name, attributes

    provisioners._RESOURCE_HANDLERS["AWS::SecretsManager::Secret"] = {
        **secret, "create": create_secret, "delete": lambda physical_id, props: secret["delete"](props["Name"], props),
    }

    deploy_stack = changesets._deploy_stack_async

    async def deployed(stack_name, *args, **keys):  # what a failed update had changed is again what it was
        stack = cloudformation._stacks[stack_name]
        if any(p["ParameterKey"] == "Image" and fault("slow", p["ParameterValue"]) for p in stack["Parameters"]):
            await asyncio.sleep(3)
        await deploy_stack(stack_name, *args, **keys)
        if stack["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE":
            stack["Parameters"] = [
                {"ParameterKey": k, "ParameterValue": v["Value"], "NoEcho": v["NoEcho"]} for k, v in stack["_resolved_params"].items()
            ]

    changesets._deploy_stack_async = deployed

    task = provisioners._RESOURCE_HANDLERS["AWS::ECS::TaskDefinition"]

    def comes_up(logical_id, props, stack_name):  # it gives a task no new revision, so its service would see no change
        image = props["ContainerDefinitions"][0]["Image"]
        if fault("broken", image):
            raise RuntimeError(f"{image.split('/')[-1]} did not come up")
        return task["create"](logical_id, props, stack_name)

    provisioners._RESOURCE_HANDLERS["AWS::ECS::TaskDefinition"] = {**task, "create": comes_up}

    service = provisioners._RESOURCE_HANDLERS["AWS::ECS::Service"]

    def create(logical_id, props, stack_name):  # parameters are texts, also where AWS wants a number
        return service["create"](logical_id, dict(props, DesiredCount=int(props.get("DesiredCount", 1))), stack_name)

    def update(physical_id, old_props, new_props, stack_name):
        ecs._update_service({
            "cluster": new_props["Cluster"], "service": new_props["ServiceName"],
            "taskDefinition": new_props["TaskDefinition"], "desiredCount": int(new_props.get("DesiredCount", 1)),
        })
        return physical_id, {"ServiceArn": physical_id, "Name": new_props["ServiceName"]}

    provisioners._RESOURCE_HANDLERS["AWS::ECS::Service"] = {**service, "create": create, "update": update}


class Process:
    """A container of the Docker client that MiniStack asks: a process of this machine."""

    def __init__(self, run, name, output):
        self.run, self.id, self.name, self.output = run, uuid.uuid4().hex, name, output
        self.attrs = {"NetworkSettings": {"Networks": {}}}

    @property
    def status(self):
        return "running" if self.run is None or self.run.poll() is None else "exited"

    def reload(self):
        pass

    def wait(self):
        return {"StatusCode": 0 if self.run is None else self.run.wait()}

    def stop(self, **_):
        if self.run is not None and self.run.poll() is None:
            self.run.terminate()

    def remove(self, **_):
        pass


class Engine:
    """The part of a Docker client that MiniStack's task runner uses."""

    def __init__(self):
        self.containers, self.all = self, {}

    def get(self, container_id):
        return self.all[container_id]

    def list(self, **_):
        return []

    def run(self, image, command=None, environment=None, labels=None, name="", **_):
        program = os.path.join(os.environ["EMULATOR_PROGRAMS"], image.split("/")[-1].split(":")[0])
        started, output = None, ""
        if command and command[0] != "run" and os.path.exists(program):
            env = dict(environment or {}, PATH=os.environ["PATH"], HOME=os.environ.get("HOME", "/"))
            # The database of shop NAME is one of this machine's, and the program is this machine's, too.
            shop = (labels or {}).get("com.amazonaws.ecs.task-definition-family", "")[len("shop-"):-len("-command")]
            if os.environ.get("EMULATOR_DATABASE"):
                env["DATABASE_URL"] = os.environ["EMULATOR_DATABASE"].replace("NAME", shop)
            started = subprocess.Popen([program, *command], env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
            output, _ = started.communicate()
            self.log("/shop/" + shop, (labels or {}).get("com.amazonaws.ecs.task-arn", ""), output)
        container = Process(started, name, output)
        self.all[container.id] = container
        return container

    def log(self, group, task, output):
        """What a task printed goes where awslogs would put it."""
        stream = "command/shop/" + task.split("/")[-1]
        events = [{"timestamp": int(time.time() * 1000), "message": line} for line in output.splitlines()]
        for call, data in (
            ("_create_log_stream", {"logGroupName": group, "logStreamName": stream}),
            ("_put_log_events", {"logGroupName": group, "logStreamName": stream, "logEvents": events}),
        ):
            getattr(cloudwatch_logs, call)(data)


def main():
    logging.getLogger().setLevel(logging.WARNING)
    for kind, handlers in STAND_INS.items():
        provisioners._RESOURCE_HANDLERS.setdefault(kind, handlers)
    mend()
    engine = Engine()
    ecs._get_docker = lambda: engine
    from ministack.app import main as serve

    sys.argv = ["ministack"]
    serve()


if __name__ == "__main__":
    main()
