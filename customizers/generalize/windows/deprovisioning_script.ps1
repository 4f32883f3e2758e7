# Generalizes this system; runs as the last step of an image build. Earlier steps may edit or
# replace it, and search it for the arguments of Sysprep.exe: that line keeps its wording.

# A guest agent that is still starting works on what sysprep is going to reset.
foreach ($name in 'RdAgent', 'WindowsAzureTelemetryService', 'WindowsAzureGuestAgent') {
  for ($waited = 0; $waited -lt 300; $waited += 5) {
    $service = Get-Service -Name $name -ErrorAction SilentlyContinue
    if (-not $service -or $service.Status -eq 'Running') { break }
    Write-Output "waiting for the service $name to start"
    Start-Sleep -Seconds 5
  }
}

# An answer file would decide for the machines that are made of this image.
foreach ($folder in 'System32\Sysprep', 'Panther') {
  $answers = "$Env:SystemRoot\$folder\unattend.xml"
  if (Test-Path -LiteralPath $answers) { Remove-Item -LiteralPath $answers -Force }
}

& $Env:SystemRoot\System32\Sysprep\Sysprep.exe /oobe /generalize /quiet /quit

# Sysprep.exe goes on by itself.
while ($true) {
  $imageState = (Get-ItemProperty HKLM:\SOFTWARE\Microsoft\Windows\CurrentVersion\Setup\State).ImageState
  Write-Output $imageState
  if ($imageState -eq 'IMAGE_STATE_GENERALIZE_RESEAL_TO_OOBE') { break }
  Start-Sleep -Seconds 5
}
