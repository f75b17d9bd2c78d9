import { IsNotEmpty, IsString, Length, MaxLength } from 'class-validator';

export class CredentialsDto {
  @IsString()
  @Length(1, 64)
  username!: string;

  @IsString()
  @IsNotEmpty()
  @MaxLength(72)
  password!: string;
}

export class DeviceDto {
  @IsString()
  @Length(8, 64)
  deviceId!: string;
}

export class LoginDto extends CredentialsDto {
  @IsString()
  @Length(8, 64)
  deviceId!: string;
}
